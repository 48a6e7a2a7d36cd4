/**
 * What listening costs: 100,000 viewers with a hit every 6 s of the clock, bare and with a sink and a listener of `updated`
 * beside it, in turns. The hit is timed alone, and so is what takes the changed rows.
 */
import { createTracker } from '@stream-sessions/core';
import { hitOf, median, ms, table } from './lib.mjs';

const VIEWERS = 100_000;
const EVERY_MS = 6_000;
const ROUNDS = 7;

/** A clock that is moved by hand, and times what its timers do. */
function timedClock() {
  let now = 1_700_000_000_000;
  let timers = [];
  const spent = { ms: 0, longest: 0 };
  return {
    spent,
    now: () => now,
    setTimeout: (fn, ms) => {
      const timer = { fn, at: now + ms };
      timers.push(timer);
      return timer;
    },
    clearTimeout: (timer) => void (timers = timers.filter((other) => other !== timer)),
    advance(ms) {
      now += ms;
      for (let due = timers.filter(({ at }) => at <= now); due.length > 0; due = timers.filter(({ at }) => at <= now)) {
        timers = timers.filter(({ at }) => at > now);
        for (const { fn } of due) {
          const start = performance.now();
          fn();
          const took = performance.now() - start;
          spent.ms += took;
          spent.longest = Math.max(spent.longest, took);
        }
      }
    },
  };
}

function fleet(listens) {
  const clock = timedClock();
  const tracker = createTracker({ clock, autoStart: false, maxSessions: 2 * VIEWERS });
  const hits = Array.from({ length: VIEWERS }, (_, i) => hitOf(i));
  for (const hit of hits) tracker.trackHttp(hit);
  if (listens) {
    tracker.on('updated', () => undefined);
    tracker.addSink({ name: 'nothing', write: () => undefined });
  }
  const perMs = VIEWERS / EVERY_MS;
  return async () => {
    let hitMs = 0;
    clock.spent.ms = clock.spent.longest = 0;
    for (let at = 0, next = 0; at < EVERY_MS; at += 50) {
      clock.advance(50);
      const start = performance.now();
      for (const end = Math.floor((at + 50) * perMs); next < end; next++) {
        const { handle } = tracker.admit(hits[next]);
        handle.touch(1000);
        handle.end();
      }
      hitMs += performance.now() - start;
      // between two timers the sink takes what there is
      await new Promise((resolve) => setImmediate(resolve));
    }
    return { hitMs, restMs: clock.spent.ms, longest: clock.spent.longest };
  };
}

const bare = fleet(false);
const heard = fleet(true);
await bare();
await heard();
const ratios = [];
const shares = [];
let longest = 0;
for (let round = 0; round < ROUNDS; round++) {
  const results = {};
  for (const which of round % 2 ? ['bare', 'heard'] : ['heard', 'bare']) {
    results[which] = await (which === 'bare' ? bare : heard)();
  }
  ratios.push(results.heard.hitMs / results.bare.hitMs);
  shares.push((results.heard.restMs / EVERY_MS) * 100);
  longest = Math.max(longest, results.heard.longest);
}
table([
  ['100,000 viewers, a hit every 6 s, a sink and a listener', 'measured', 'target'],
  ['a hit, against nobody listening', median(ratios).toFixed(3), '<= 1.03'],
  ['what takes the changed rows, of a core', `${median(shares).toFixed(1)} %`, '<= 10 %'],
  ['longest slice', ms(longest), '<= 10 ms'],
]);
