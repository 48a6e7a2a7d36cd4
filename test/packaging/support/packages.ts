import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

export const root = join(__dirname, '../../..');

export interface Manifest {
  name: string;
  version: string;
  private?: boolean;
  main?: string;
  types?: string;
  exports?: Record<string, string | { types: string; default: string }>;
  dependencies?: Record<string, string>;
  peerDependencies?: Record<string, string>;
  devDependencies?: Record<string, string>;
  [field: string]: unknown;
}

export interface Package {
  /** Its folder in packages/: `core`. */
  folder: string;
  path: string;
  manifest: Manifest;
}

export const readJson = <T = Manifest>(...path: string[]): T => JSON.parse(readFileSync(join(...path), 'utf8')) as T;

/** Everything that gets published. */
export const packages: Package[] = readdirSync(join(root, 'packages'))
  .filter((folder) => existsSync(join(root, 'packages', folder, 'package.json')))
  .map((folder) => ({
    folder,
    path: join(root, 'packages', folder),
    manifest: readJson(root, 'packages', folder, 'package.json'),
  }));
