/** A million live sessions: what each costs in memory, what growing, looking, listing and closing cost in time. */
import { PerformanceObserver } from 'node:perf_hooks';
import { createTracker, cursorOf } from '@stream-sessions/core';
import { fakeClock } from '@stream-sessions/core/testing';
import { hitOf, median, memoryInUse, ms, table } from './lib.mjs';

const MILLION = 1_000_000;
const rows = [['what', 'measured', 'target']];

/** Pauses of the garbage collector: they hit whatever call is running, ours or not, and are told apart. */
const pauses = [];
new PerformanceObserver((list) => {
  for (const { startTime, duration } of list.getEntries()) pauses.push([startTime, startTime + duration]);
}).observe({ entryTypes: ['gc'] });

const clock = fakeClock();
const tracker = createTracker({ clock, autoStart: false, maxSessions: 2 * MILLION });

// Growing, and memory.
{
  const before = memoryInUse();
  const slow = [];
  for (let i = 0; i < MILLION; i++) {
    const hit = hitOf(i);
    const start = performance.now();
    tracker.trackHttp(hit);
    const end = performance.now();
    if (end - start > 1) slow.push([start, end]);
    if (i % 1000 === 0) clock.advance(1);
  }
  await new Promise((resolve) => setTimeout(resolve, 50));
  const gcIn = ([start, end]) =>
    pauses.reduce((sum, [from, to]) => sum + Math.max(0, Math.min(end, to) - Math.max(start, from)), 0);
  const longest = Math.max(0, ...slow.map(([start, end]) => end - start));
  const own = Math.max(0, ...slow.map((call) => call[1] - call[0] - gcIn(call)));
  rows.push(['longest call while growing, without garbage collection', ms(own), '<= 10 ms']);
  rows.push(['longest call while growing, all in', ms(longest), '']);
  rows.push(['memory per session', `${Math.round((memoryInUse() - before) / MILLION)} B`, '<= 500 B']);
}

// Listing.
{
  const time = (run) => {
    const times = Array.from({ length: 200 }, () => {
      const start = performance.now();
      run();
      return performance.now() - start;
    });
    return median(times);
  };
  const page = () => tracker.list({ stream: 'cam7', limit: 100 });
  if (page().length !== 100) throw new Error('a page is missing rows');
  rows.push(['list({ stream, limit: 100 }), 1,000 streams', ms(time(page)), '<= 0.1 ms']);
}

// Counters, by stream, protocol and kind too.
{
  const few = createTracker({ clock, autoStart: false });
  for (let i = 0; i < 100_000; i++) few.trackHttp(hitOf(i));
  const times = Array.from({ length: 200 }, () => {
    const start = performance.now();
    const { activeBy } = few.stats();
    const took = performance.now() - start;
    if (activeBy.length !== 1000) throw new Error('a stream is missing');
    return took;
  });
  rows.push(['stats() and its counters, 100,000 sessions in 1,000 streams', ms(median(times)), '<= 0.1 ms']);
}

// Looks: everybody hits every 4 s, nobody is due.
{
  const looks = [];
  for (let second = 0; second < 60; second++) {
    for (let i = second % 4; i < MILLION; i += 4) tracker.trackHttp(hitOf(i));
    clock.advance(1000);
    let spent = 0;
    const start = performance.now();
    tracker.sweep();
    spent += performance.now() - start;
    let longest = spent;
    while (clock.pending > 0) {
      const from = performance.now();
      clock.advance(0);
      longest = Math.max(longest, performance.now() - from);
      spent += performance.now() - from;
    }
    if (second >= 30) looks.push([spent, longest]);
  }
  if (tracker.stats().active !== MILLION) throw new Error('a playing viewer was closed');
  const perSecond = looks.reduce((sum, [spent]) => sum + spent, 0) / looks.length;
  rows.push(['looks at 1,000,000 playing viewers, per second', ms(perSecond), '<= 10 ms']);
  rows.push(['longest look', ms(Math.max(...looks.map(([, longest]) => longest))), '<= 10 ms']);
}

// Nobody due.
{
  for (let i = 0; i < MILLION; i++) tracker.trackHttp(hitOf(i));
  const times = [];
  for (let k = 0; k < 5; k++) {
    clock.advance(1000);
    const start = performance.now();
    tracker.sweep();
    times.push(performance.now() - start);
    while (clock.pending > 0) clock.advance(0);
  }
  rows.push(['look with none due', ms(median(times.slice(1))), '<= 0.1 ms']);
}
await tracker.stop();

// One stream with a million.
{
  const one = createTracker({ clock, autoStart: false, maxSessions: 2 * MILLION });
  for (let i = 0; i < MILLION; i++) {
    one.trackHttp({ ...hitOf(i), stream: 'cup-final' });
    if (i % 1000 === 0) clock.advance(1);
  }
  const at90 = cursorOf(one.list({ stream: 'cup-final', limit: 900_000 }).at(-1));
  const time = (filter) =>
    median(
      Array.from({ length: 200 }, () => {
        const start = performance.now();
        one.list(filter);
        return performance.now() - start;
      }),
    );
  rows.push(['first page of one stream with 1,000,000', ms(time({ stream: 'cup-final', limit: 100 })), '<= 0.3 ms']);
  rows.push(['page at 90 %', ms(time({ stream: 'cup-final', limit: 100, after: at90 })), '<= 0.3 ms']);
  await one.stop();
}

table(rows);
