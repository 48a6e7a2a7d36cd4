/**
 * What passes cost: a known viewer's segment with passes against none, as a share of what Express takes for a response;
 * whether any policy is called for it; and the memory of 100,000 owners with a pass each.
 */
import { createTracker } from '@stream-sessions/core';
import { memoryPassStore, passBook, passPolicy } from '@stream-sessions/passes';
import { fresh, hitOf, median, memoryInUse, table } from './lib.mjs';

const ROUNDS = 15;
const VIEWERS = 2_000;
const PER_ROUND = 20_000;
const PER_BATCH = 250;
const OWNERS = 100_000;
/** What Express 5 takes for a response of one segment here, microseconds: see `express.bench.mjs`. */
const EXPRESS_US = 60;

const quiet = { debug() {}, info() {}, warn() {}, error() {} };

async function trackerWithPasses() {
  const book = passBook({ logger: quiet });
  const policy = passPolicy(book);
  let calls = 0;
  const counted = {
    name: policy.name,
    stage: policy.stage,
    attach: (tracker) => policy.attach(tracker),
    admit: (...args) => (calls++, policy.admit(...args)),
    settled: (...args) => policy.settled(...args),
    review: (...args) => (calls++, policy.review(...args)),
    deadline: (...args) => policy.deadline(...args),
    closed: (...args) => policy.closed(...args),
  };
  for (let i = 0; i < VIEWERS; i++) await book.create(hitOf(i).token, { type: 2, timeSecs: 36_000, dataMb: 1e6 });
  const tracker = createTracker({ autoStart: false, logger: quiet, policies: [counted], updateIntervalMs: 0 });
  return { tracker, calls: () => calls };
}

function serve(tracker, hit) {
  const admission = tracker.admit(hit);
  if (admission.admitted) admission.handle.end(13_000);
}

/** Nanoseconds each; what is asked for is made before the clock runs. */
function time(tracker) {
  let total = 0n;
  for (let done = 0; done < PER_ROUND; done += PER_BATCH) {
    const hits = Array.from({ length: PER_BATCH }, () => hitOf(Math.floor(Math.random() * VIEWERS)));
    const start = process.hrtime.bigint();
    for (const hit of hits) serve(tracker, hit);
    total += process.hrtime.bigint() - start;
  }
  return Number(total) / PER_ROUND;
}

const plain = createTracker({ autoStart: false, logger: quiet, updateIntervalMs: 0 });
const { tracker, calls } = await trackerWithPasses();
for (let i = 0; i < VIEWERS; i++) for (const each of [plain, tracker]) serve(each, hitOf(i));
await new Promise((resolve) => setTimeout(resolve, 200)); // each is looked at once after it has opened
time(plain);
time(tracker);
const before = calls();
const [without, withPasses] = [[], []];
for (let round = 0; round < ROUNDS; round++) {
  without.push(time(plain));
  withPasses.push(time(tracker));
}
const more = median(withPasses.map((ns, i) => ns - without[i]));
const called = calls() - before;

const empty = memoryInUse();
const store = memoryPassStore();
const book = passBook({ store, logger: quiet });
for (let i = 0; i < OWNERS; i++) await book.create(fresh(`owner-${i}`), { type: 0, timeSecs: 3_600, expDays: 30 });
const perOwner = (memoryInUse() - empty) / OWNERS;

table([
  ['what', 'measured', 'limit'],
  ['a known viewer’s segment, without passes', `${Math.round(median(without))} ns`, ''],
  ['the same, with passes', `${Math.round(median(withPasses))} ns`, ''],
  ['more, of an Express response', `${((more / 1000 / EXPRESS_US) * 100).toFixed(2)} %`, '5 %'],
  [`policies called in ${ROUNDS * PER_ROUND} segments`, called, '0'],
  ['an owner with a pass', `${Math.round(perOwner)} bytes`, '1024'],
]);
await book.close();
if (called > 0 || perOwner > 1024 || more / 1000 / EXPRESS_US > 0.05) process.exitCode = 1;
