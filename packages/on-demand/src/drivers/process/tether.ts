import { accessSync, constants } from 'node:fs';
import path from 'node:path';

/** The program that makes the kernel end its child when we end, for whatever reason. Undefined: it is not available here. */
export function findSetpriv(searched = process.env['PATH'] ?? ''): string | undefined {
  if (process.platform !== 'linux') return undefined;
  return searched
    .split(path.delimiter)
    .map((folder) => path.join(folder, 'setpriv'))
    .find(isExecutable);
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** The command run by setpriv, in the same process. */
export const tethered = (setpriv: string, command: readonly string[]): readonly string[] => [
  setpriv,
  '--pdeathsig',
  'KILL',
  '--',
  ...command,
];
