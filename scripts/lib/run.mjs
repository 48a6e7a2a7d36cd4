import { spawn, spawnSync } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

/** The top folder of the repository. */
export const root = fileURLToPath(new URL('../..', import.meta.url));

export const isCI = Boolean(process.env.CI) && process.env.CI !== 'false' && process.env.CI !== '0';

export const say = (text) => console.log(`[stream-sessions] ${text}`);

/** Ends the program with a sentence for the person who reads it. */
export function fail(text) {
  console.error(`[stream-sessions] ${text}`);
  process.exit(1);
}

/** Runs a command to its end and returns its exit code; 127 when it could not be started. Nothing is read from stdin. */
export function runSync(command, args, options = {}) {
  const result = spawnSync(command, args, { cwd: root, stdio: ['ignore', 'inherit', 'inherit'], ...options });
  if (result.error) console.error(`${command}: ${result.error.message}`);
  return result.status ?? (result.signal ? 1 : 127);
}

/** Like `runSync`, but leaves the event loop free, and can hold the output back until the end. */
export function run(command, args, { quiet = false, ...options } = {}) {
  return new Promise((resolve) => {
    const child = spawn(command, args, {
      cwd: root,
      stdio: ['ignore', quiet ? 'pipe' : 'inherit', quiet ? 'pipe' : 'inherit'],
      ...options,
    });
    const chunks = [];
    child.stdout?.on('data', (chunk) => chunks.push(chunk));
    child.stderr?.on('data', (chunk) => chunks.push(chunk));
    const done = (code) => resolve({ code, output: Buffer.concat(chunks).toString('utf8') });
    child.on('error', (error) => {
      chunks.push(Buffer.from(`${command}: ${error.message}\n`));
      done(127);
    });
    child.on('close', (code) => done(code ?? 1));
  });
}

/** A program of an installed npm package, run by this very Node: `tool('typescript/bin/tsc')`. */
export const tool = (file) => path.join(root, 'node_modules', file);

/** Where a program of this name lies on the PATH, or undefined. A whole path is looked at as it is. */
export function which(name) {
  for (const folder of (process.env.PATH ?? '').split(path.delimiter)) {
    for (const suffix of process.platform === 'win32' ? ['.exe', '.cmd'] : ['']) {
      const file = path.resolve(folder, name + suffix);
      try {
        accessSync(file, constants.X_OK);
        return file;
      } catch {
        // look in the next folder
      }
    }
  }
  return undefined;
}
