import { existsSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import path from 'node:path';
import { fail, root, runSync, tool } from './run.mjs';

/** The folders that tsconfig.json builds, in its order. */
export function builtFolders() {
  const text = readFileSync(path.join(root, 'tsconfig.json'), 'utf8').replace(/^\s*\/\/.*$/gm, '');
  return JSON.parse(text).references.map((reference) => path.join(root, reference.path));
}

/** Files in dist/ whose source is gone: the compiler leaves them lying, and they would be published. */
function staleOutputs(folder) {
  const dist = path.join(folder, 'dist');
  if (!existsSync(dist)) return [];
  return readdirSync(dist, { recursive: true })
    .filter((name) => /\.(js|d\.ts)(\.map)?$/.test(name))
    .filter((name) => !existsSync(path.join(folder, 'src', name.replace(/\.(js|d\.ts)(\.map)?$/, '.ts'))))
    .map((name) => path.join(dist, name));
}

/** Compiles what changed. */
export function build() {
  for (const folder of builtFolders()) staleOutputs(folder).forEach((file) => rmSync(file));
  if (runSync(process.execPath, [tool('typescript/bin/tsc'), '-b']) !== 0) fail('The build failed, see above.');
}
