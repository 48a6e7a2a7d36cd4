/**
 * `npm start`: makes the clone ready and becomes the live origin. The server runs in this very process, and package.json
 * says `exec`, so that no shell stands between npm and it: one that did would die of a SIGTERM alone and leave the server
 * behind. Where there is no `exec` (Windows), `node scripts/start.mjs` is the same.
 */
import { readFileSync } from 'node:fs';
import Module from 'node:module';
import path from 'node:path';
import { root } from './lib/run.mjs';
import { setup } from './setup.mjs';

setup('start');
const example = path.join(root, 'examples/live-origin');
const { main } = JSON.parse(readFileSync(path.join(example, 'package.json'), 'utf8'));

// A Ctrl-C comes twice: from the terminal, and from npm, which passes its own on. The server leaves at the first; the echo must
// not kill it meanwhile. Who presses again a second later means it.
let leavingSince;
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
  process.on(signal, () => {
    leavingSince ??= Date.now();
    if (Date.now() - leavingSince > 1_000) process.exit(1);
  });
}

process.argv[1] = path.join(example, main);
Module.runMain(process.argv[1]);
