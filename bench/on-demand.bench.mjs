/** What sources on demand cost: waking them, holding a thousand viewers, a request of a stream that runs, and the check. */
import { createTracker } from '@stream-sessions/core';
import { createSources, customDriver } from '@stream-sessions/on-demand';
import { median, ms, table } from './lib.mjs';

const STREAMS = 1_000;
const VIEWERS = 100_000;
const silent = { warn: () => undefined, error: () => undefined };
// no policy authorises here, which is what is meant
process.removeAllListeners('warning').on('warning', () => undefined);

let running = 0;
const tracker = createTracker({ maxSessionsPerIp: VIEWERS });
/** The check is called by hand. */
let check = () => undefined;
const clock = {
  now: () => Date.now(),
  setTimeout: (work, after) => {
    if (after === 1_000) check = work;
    return undefined;
  },
  clearTimeout: () => undefined,
};
const driver = customDriver({ start: () => void running++, stop: () => void running-- });
const sources = createSources(tracker, {
  sources: [{ pattern: 'cam{n}', driver }],
  ...{ maxRunning: STREAMS, maxStarting: STREAMS, maxHeld: 1_000, clock, logger: silent },
});

const timed = async (work) => {
  const start = performance.now();
  await work();
  return performance.now() - start;
};

const wakes = await timed(() => Promise.all(Array.from({ length: STREAMS }, (_, n) => sources.wake(`cam${n}`))));
await sources.hibernate('cam0');
const holds = [];
for (let round = 0; round < 5; round++) {
  holds.push(await timed(() => Promise.all(Array.from({ length: 1_000 }, () => sources.ready('cam0')))));
  await sources.hibernate('cam0');
}
await sources.wake('cam0');
const asks = await timed(() => {
  for (let i = 0; i < 1_000_000; i++) sources.ready('cam1'); // so milliseconds are nanoseconds each
});
for (let i = 0; i < VIEWERS; i++) {
  const ip = `10.${i >> 16}.${(i >> 8) & 255}.${i & 255}`;
  tracker.trackHttp({ stream: `cam${i % STREAMS}`, protocol: 'hls', ip, keepMs: 600_000 });
}
const checks = [];
for (let round = 0; round < 21; round++) checks.push(await timed(() => check()));

table([
  ['what', 'time'],
  [`waking one of ${STREAMS} sources`, ms(wakes / STREAMS)],
  ['holding 1,000 requests until a source runs', ms(median(holds))],
  ['a request of a stream that runs', `${asks.toFixed(0)} ns`],
  [`a check, of ${running} sources with ${VIEWERS} viewers`, ms(median(checks))],
]);
await sources.close();
await tracker.stop();
