import path from 'node:path';
import { root } from './run.mjs';

/** Where `npm test` leaves its closing line for .ci/run. */
export const summaryFile = path.join(root, 'node_modules/.cache/stream-sessions/summary.txt');
