import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { command } from './command.js';
import { packages, root } from './packages.js';

export interface Tarball {
  /** `@stream-sessions/core`. */
  name: string;
  file: string;
  /** Paths inside the package. */
  contents: string[];
}

interface PackReport {
  name: string;
  filename: string;
  files: { path: string }[];
}

/** Packs every package as `npm publish` would. The build must be there: `npm test` makes it first. */
export function packAll(folder: string): Tarball[] {
  mkdirSync(folder, { recursive: true });
  const workspaces = packages.map(({ manifest }) => `--workspace=${manifest.name}`);
  const output = command(root, 'npm', 'pack', '--json', `--pack-destination=${folder}`, ...workspaces);
  // npm 11 answers with a list; later ones with an object by name
  const report = Object.values(JSON.parse(output) as Record<string, PackReport>);
  return report.map(({ name, filename, files }) => ({
    name,
    file: join(folder, filename),
    contents: files.map(({ path }) => path),
  }));
}
