/**
 * `trackHttp` of a known viewer against `createHash('sha256')` over stream + ip + user agent + token, alternating in
 * one run: what a design that hashes per segment would pay before it has looked anything up.
 */
import { createHash } from 'node:crypto';
import { createTracker } from '@stream-sessions/core';
import { hitOf, median, table } from './lib.mjs';

const ROUNDS = 15;
const PER_ROUND = 20_000;
const TARGETS = { 2_000: 0.5, 100_000: 1.0, 1_000_000: 2.0 };

/** Made before the clock runs: fresh strings, in random order. */
const randomHits = (sessions) =>
  Array.from({ length: PER_ROUND }, () => hitOf(Math.floor(Math.random() * sessions)));

function time(run, hits) {
  const start = process.hrtime.bigint();
  for (const hit of hits) run(hit);
  return Number(process.hrtime.bigint() - start) / hits.length;
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
    const a = time(track, randomHits(sessions));
    const b = time(hash, randomHits(sessions));
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
