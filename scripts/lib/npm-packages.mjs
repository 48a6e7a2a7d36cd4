import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fail, isCI, root, runSync, say } from './run.mjs';

const readJson = (file) => JSON.parse(readFileSync(path.join(root, file), 'utf8'));

/**
 * Whether node_modules holds what package-lock.json asks for. npm keeps its own list of what it installed there, so this is
 * true after anybody's `npm install` too, and false after a pull that changed the lock.
 */
export function npmPackagesAreThere() {
  if (!existsSync(path.join(root, 'node_modules/.package-lock.json'))) return false;
  const wanted = readJson('package-lock.json').packages;
  const installed = readJson('node_modules/.package-lock.json').packages;
  return Object.entries(wanted).every(([place, entry]) => {
    // optional packages are for other platforms; folders outside node_modules are our own
    if (!place.includes('node_modules/') || entry.optional || entry.peer) return true;
    return installed[place]?.version === entry.version && existsSync(path.join(root, place));
  });
}

/** Installs the npm packages when they are missing or differ from the lock file. */
export function ensureNpmPackages() {
  if (npmPackagesAreThere()) return;
  // A fresh clone gets exactly the lock. What somebody already works in is brought up to date, not wiped.
  const isFresh = isCI || !existsSync(path.join(root, 'node_modules'));
  if (isFresh && npm('ci')) return;
  // `npm ci` refuses a lock without the builds for every platform, which is how npm writes it where a mirror lacks them
  if (npm('install', '--no-save')) return;
  fail(
    'npm could not install the packages (see above). Is the npm registry within reach? Then run the same command again.',
  );
}

function npm(...command) {
  // dev dependencies even when NODE_ENV says production: they build and test this repository
  const args = [...command, '--include=dev', '--no-audit', '--no-fund', '--loglevel=error'];
  say(`npm ${args.join(' ')}`);
  const cli = process.env.npm_execpath;
  const code = cli?.endsWith('.js')
    ? runSync(process.execPath, [cli, ...args])
    : runSync('npm', args, { shell: process.platform === 'win32' });
  return code === 0;
}
