/**
 * What passes cost: a known viewer's segment with passes against none, as a share of what Express takes for a response;
 * whether any policy is called for it; and 100,000 owners with a pass each: the memory, of a store
 * in memory and of a file, and what the file takes to open.
 */
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createTracker } from '@stream-sessions/core';
import { applySpending, memoryPassStore, openPassFile, passBook, passPolicy } from '@stream-sessions/passes';
import { fresh, hitOf, median, memoryInUse, table } from './lib.mjs';

const ROUNDS = 15;
const VIEWERS = 2_000;
const PER_ROUND = 20_000;
const PER_BATCH = 250;
const OWNERS = 100_000;
const WRITERS = 200;
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

/** A line of a file whose passes are used by one process after the other. */
async function lineOf(i) {
  const pass = await passBook({ logger: quiet }).create(`owner-${i}`, { type: 0, timeSecs: 3_600, expDays: 30 });
  const now = Date.now();
  const writers = [i, i * 7].map((n) => `00000000-0000-4000-8000-${String(n % WRITERS).padStart(12, '0')}`);
  const used = writers.reduce(
    (before, writer, n) =>
      applySpending(before, { writer, op: i % 1e3, from: now, to: now + n * 997 + i, bytes: 0, startedAt: now, now }),
    pass,
  );
  return `${JSON.stringify(used)}\n`;
}

async function write(to) {
  const lines = await Promise.all(Array.from({ length: OWNERS }, (_, i) => lineOf(i)));
  writeFileSync(to, lines.join(''));
}

/** Bytes that each owner takes of what is made meanwhile. */
async function perOwner(make) {
  const empty = memoryInUse();
  const made = await make();
  const bytes = (memoryInUse() - empty) / OWNERS;
  return { made, bytes };
}

const inMemory = await perOwner(async () => {
  const store = memoryPassStore();
  const book = passBook({ store, logger: quiet });
  for (let i = 0; i < OWNERS; i++) await book.create(fresh(`owner-${i}`), { type: 0, timeSecs: 3_600, expDays: 30 });
  return book;
});

const folder = mkdtempSync(path.join(tmpdir(), 'passes-bench-'));
const file = path.join(folder, 'passes.jsonl');
await write(file);
await new Promise((resolve) => setTimeout(resolve, 200)); // nothing of that is left
const size = statSync(file).size;
const started = performance.now();
const inFile = await perOwner(() => openPassFile(file));
const opened = performance.now() - started;
rmSync(folder, { recursive: true });

table([
  ['what', 'measured', 'limit'],
  ['a known viewer’s segment, without passes', `${Math.round(median(without))} ns`, ''],
  ['the same, with passes', `${Math.round(median(withPasses))} ns`, ''],
  ['more, of an Express response', `${((more / 1000 / EXPRESS_US) * 100).toFixed(2)} %`, '5 %'],
  [`policies called in ${ROUNDS * PER_ROUND} segments`, called, '0'],
  ['an owner with a pass, in memory', `${Math.round(inMemory.bytes)} bytes`, '1024'],
  [`the same, from a file of ${Math.round(size / 1e6)} MB`, `${Math.round(inFile.bytes)} bytes`, '1024'],
  [`that file is opened in`, `${Math.round(opened)} ms`, ''],
]);
await inMemory.made.close();
await inFile.made.close();
const isTooMuch = [inMemory, inFile].some(({ bytes }) => bytes > 1024);
if (called > 0 || isTooMuch || more / 1000 / EXPRESS_US > 0.05) process.exitCode = 1;
