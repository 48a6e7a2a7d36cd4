/** A million sessions go idle together, with one listener and one sink that keeps up: real time, real event loop. */
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { createTracker } from '@stream-sessions/core';
import { systemClock } from '@stream-sessions/core/spi';
import { hitOf, ms, table } from './lib.mjs';

const MILLION = 1_000_000;
let now = Date.now();
/** The wall clock, moved on by hand as if the machine had slept: its timers are the real ones. */
const clock = { ...systemClock, now: () => now, sinceBoot: undefined };
const tracker = createTracker({ clock, autoStart: false, maxSessions: 2 * MILLION });
for (let i = 0; i < MILLION; i++) {
  tracker.trackHttp(hitOf(i));
  if (i % 50 === 0) now++; // they came within twenty seconds
}

let heard = 0;
let written = 0;
tracker.on('closed', () => heard++);
tracker.addSink({
  name: 'counter',
  write: (batch) => {
    written += batch.filter(({ type }) => type === 'session.closed').length;
  },
});
globalThis.gc();
await new Promise((resolve) => setTimeout(resolve, 200));

const delay = monitorEventLoopDelay({ resolution: 1 });
let longest = 0;
let last = performance.now();
let done = false;
const tick = () => {
  const at = performance.now();
  longest = Math.max(longest, at - last);
  last = at;
  if (!done) setImmediate(tick);
};
delay.enable();
const start = performance.now();
setImmediate(tick);
now += 31_000;
tracker.sweep();
while (tracker.stats().active > 0 || written < MILLION) await new Promise((resolve) => setTimeout(resolve, 5));
done = true;
const took = performance.now() - start;
const { droppedEventsTotal } = tracker.stats();
table([
  ['1,000,000 sessions going idle together', 'measured', 'target'],
  ['all closed', `${(took / 1000).toFixed(1)} s`, '<= 6 s'],
  ['longest stall of the event loop', ms(longest), '<= 15 ms'],
  ['99th percentile of its delay', ms(delay.percentile(99) / 1e6), ''],
  ['closed events a listener missed', MILLION - heard, '0'],
  ['closed events the sink missed', MILLION - written + droppedEventsTotal, '0'],
]);
await tracker.stop();
