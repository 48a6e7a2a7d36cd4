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
process.argv[1] = path.join(example, main);
Module.runMain(process.argv[1]);
