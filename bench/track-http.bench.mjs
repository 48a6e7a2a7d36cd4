/**
 * `trackHttp` of a known viewer against `createHash('sha256')` over stream + ip + user agent + token, alternating in
 * one run: what a design that hashes per segment would pay before it has looked anything up.
 */
import { createHash } from 'node:crypto';
import { createTracker } from '@stream-sessions/core';
import { hitOf, median, table } from './lib.mjs';

const ROUNDS = 15;
const BATCHES = 80;
/** Few enough that a hit is still in the processor's cache when it is tracked, as it is behind an HTTP parser. */
const PER_BATCH = 250;
const TARGETS = { 2_000: 0.5, 100_000: 1.0, 1_000_000: 2.0 };

/** Nanoseconds per hit; the hits are made before the clock runs: fresh strings, viewers in random order. */
function time(run, sessions) {
  let total = 0n;
  for (let batch = 0; batch < BATCHES; batch++) {
    const hits = Array.from({ length: PER_BATCH }, () => hitOf(Math.floor(Math.random() * sessions)));
    const start = process.hrtime.bigint();
    for (const hit of hits) run(hit);
    total += process.hrtime.bigint() - start;
  }
  return Number(total) / (BATCHES * PER_BATCH);
}

const hash = ({ stream, ip, userAgent, token }) =>
  createHash('sha256')
    .update(stream + ip + userAgent + token)
    .digest('hex');

const rows = [['live sessions', 'trackHttp', 'sha256', 'ratio', 'target']];
for (const sessions of [2_000, 100_000, 1_000_000]) {
  const tracker = createTracker({ autoStart: false });
  for (let i = 0; i < sessions; i++) tracker.trackHttp(hitOf(i));
  const track = (hit) => tracker.trackHttp(hit);
  const times = { track: [], hash: [] };
  for (let round = -3; round < ROUNDS; round++) {
    const a = time(track, sessions);
    const b = time(hash, sessions);
    if (round >= 0) {
      times.track.push(a);
      times.hash.push(b);
    }
  }
  if (tracker.stats().active !== sessions) throw new Error('a known viewer was not recognised');
  const [a, b] = [median(times.track), median(times.hash)];
  rows.push([sessions, `${a.toFixed(0)} ns`, `${b.toFixed(0)} ns`, (a / b).toFixed(2), `<= ${TARGETS[sessions]}`]);
}
table(rows);
