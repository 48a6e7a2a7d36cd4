/**
 * `npm start`: makes the clone ready and becomes the live origin. The server runs in this very process: no wrapper stands
 * between it and a signal, and nothing is left behind when it ends.
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
