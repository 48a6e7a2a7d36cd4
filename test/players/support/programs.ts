import { accessSync, constants } from 'node:fs';
import path from 'node:path';

/** The path of an installed program. These tests are about real players: without them they fail, and say what to do. */
export function program(...names: string[]): string {
  for (const folder of (process.env.PATH ?? '').split(path.delimiter)) {
    for (const name of names) {
      const file = path.join(folder, name);
      try {
        accessSync(file, constants.X_OK);
        return file;
      } catch {
        // look in the next folder
      }
    }
  }
  throw new Error(
    `${names[0]} is not installed, and this test plays with the real one. Debian: apt-get install ${names[0]}`,
  );
}
