/**
 * Puts into package-lock.json the builds for other platforms that npm left out. npm leaves out what the registry at hand does not
 * have, and a mirror often has the builds of its own platform alone; `npm ci` then refuses the lock, and on another platform the
 * program would be missing. Run it after `npm install` there. With a full registry it changes nothing.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { root, say } from './lib/run.mjs';

const OS = ['aix', 'android', 'darwin', 'freebsd', 'linux', 'netbsd', 'openbsd', 'openharmony', 'sunos', 'win32'];
const CPU = ['arm64', 'arm', 'ia32', 'loong64', 'ppc64', 'riscv64', 's390x', 'x64'];
const LIBC = { gnu: 'glibc', gnueabihf: 'glibc', musl: 'musl', musleabihf: 'musl' };

/** What a build called `@swc/core-linux-x64-gnu` is for; undefined when its name does not tell. */
function platformOf(name) {
  const words = name.split(/[-/]/);
  const os = words.find((word) => OS.includes(word));
  const cpu = words.find((word) => CPU.includes(word));
  if (!os || !cpu) return undefined;
  const libc = os === 'linux' ? LIBC[words.at(-1)] : undefined;
  return { cpu: [cpu], libc: libc && [libc], os: [os] };
}

function completeLock(lock) {
  const added = [];
  for (const [place, entry] of Object.entries(lock.packages)) {
    if (!place.includes('node_modules/')) continue;
    for (const [name, version] of Object.entries(entry.optionalDependencies ?? {})) {
      const isThere = [`${place}/node_modules/${name}`, `node_modules/${name}`].some((at) => at in lock.packages);
      const platform = platformOf(name);
      // only exact versions: for a range, the registry would have to say which
      if (isThere || !platform || !/^\d+\.\d+\.\d+/.test(version)) continue;
      const { cpu, libc, os } = platform;
      // in npm's own order of fields, for it will rewrite them
      lock.packages[`node_modules/${name}`] = { version, cpu, dev: entry.dev, libc, optional: true, os };
      added.push(name);
    }
  }
  lock.packages = Object.fromEntries(Object.entries(lock.packages).sort(([a], [b]) => (a < b ? -1 : 1)));
  return added;
}

const file = path.join(root, 'package-lock.json');
const lock = JSON.parse(readFileSync(file, 'utf8'));
const added = completeLock(lock);
if (added.length > 0) writeFileSync(file, `${JSON.stringify(lock, null, 2)}\n`);
say(added.length > 0 ? `Added to package-lock.json: ${added.join(', ')}` : 'package-lock.json has every platform.');
