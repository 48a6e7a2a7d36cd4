/** `npm run bench [name ...]`: every bench/*.bench.mjs in turn, each in a process of its own, so that none warms or fills another's heap. */
import { readdirSync } from 'node:fs';
import path from 'node:path';
import { fail, root, runSync, say } from './lib/run.mjs';
import { setup } from './setup.mjs';

setup('bench');
const wanted = process.argv.slice(2);
const all = readdirSync(path.join(root, 'bench'))
  .filter((name) => name.endsWith('.bench.mjs'))
  .sort();
const chosen = all.filter((name) => wanted.length === 0 || wanted.some((word) => name.includes(word)));
if (chosen.length === 0)
  fail(`No such benchmark. There are: ${all.map((name) => name.replace('.bench.mjs', '')).join(', ') || 'none'}`);

const failed = [];
for (const name of chosen) {
  say(name);
  // a million sessions do not fit in the default heap of a small machine
  const code = runSync(process.execPath, ['--expose-gc', '--max-old-space-size=4096', path.join(root, 'bench', name)]);
  if (code !== 0) failed.push(name);
}
if (failed.length > 0) fail(`Did not finish: ${failed.join(', ')}`);
