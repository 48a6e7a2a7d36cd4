/**
 * What a state store costs: a known viewer's hit with and without one (100,000 viewers, one hit each per 6 s), the share of a core
 * that saving takes, and how long the next process takes to read it all.
 *
 *   node --expose-gc bench/state.bench.mjs [viewers]
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { performance, PerformanceObserver, monitorEventLoopDelay } from 'node:perf_hooks';
import { fileURLToPath } from 'node:url';
import { createTracker, fileState } from '@stream-sessions/core';

const VIEWERS = Number(process.argv[2] ?? 100_000);
const INTERVAL_MS = 6_000;
const ROUNDS = 5;
const quiet = { debug() {}, info() {}, warn: console.error, error: console.error };
const hits = Array.from({ length: VIEWERS }, (_, n) => ({
  stream: `cam${n % 100}`,
  protocol: 'hls',
  ip: `10.${n >> 16}.${(n >> 8) & 255}.${n & 255}`,
  userAgent: `player/${n % 50}`,
  token: `token-${n}`,
}));

const make = (file) =>
  createTracker({ idleTimeoutMs: 600_000, logger: quiet, ...(file && { state: fileState(file) }) });

/** Everybody hits once in 6 s of real time, in steps of 50 ms. Returns the time that the hits took, and that the process took. */
async function round(tracker) {
  const cpu = process.cpuUsage();
  const since = performance.now();
  let spent = 0;
  const step = Math.ceil((VIEWERS * 50) / INTERVAL_MS);
  for (let from = 0; from < VIEWERS; from += step) {
    const begin = performance.now();
    for (let n = from; n < Math.min(from + step, VIEWERS); n++) {
      const admission = tracker.admit(hits[n]);
      admission.handle.end(100_000);
    }
    spent += performance.now() - begin;
    const next = since + ((from + step) / VIEWERS) * INTERVAL_MS;
    await new Promise((resolve) => setTimeout(resolve, Math.max(0, next - performance.now())));
  }
  const { user, system } = process.cpuUsage(cpu);
  return { nsPerHit: (spent * 1e6) / VIEWERS, coreShare: (user + system) / 1e3 / (performance.now() - since) };
}

const median = (values) => [...values].sort((a, b) => a - b)[values.length >> 1];

async function compare() {
  const folder = mkdtempSync(path.join(tmpdir(), 'bench-state-'));
  const file = path.join(folder, 'sessions.state');
  const without = make(undefined);
  const withState = make(file);
  await withState.ready;
  for (const tracker of [without, withState]) for (const hit of hits) (await tracker.admit(hit)).handle.end(1);
  await withState.saved();
  const found = { without: [], with: [] };
  for (let n = 0; n < ROUNDS; n++) {
    found.without.push(await round(without));
    found.with.push(await round(withState));
  }
  const of = (name, field) => median(found[name].map((one) => one[field]));
  console.log(
    `hit: ${of('without', 'nsPerHit').toFixed(0)} ns without, ${of('with', 'nsPerHit').toFixed(0)} ns with a state file: ${(of('with', 'nsPerHit') / of('without', 'nsPerHit')).toFixed(3)} x`,
  );
  await withState.saved();
  console.log(
    `core: ${(100 * of('without', 'coreShare')).toFixed(1)} % while the tracker without is hit, ${(100 * of('with', 'coreShare')).toFixed(1)} % with`,
  );
  await without.stop();
  await withState.stop({ keep: true });
  console.log(`file: ${(statSync(file).size / 1e6).toFixed(0)} MB`);

  // the next process, with a heap of its own
  const { status } = spawnSync(
    process.execPath,
    ['--expose-gc', fileURLToPath(import.meta.url), String(VIEWERS), file],
    {
      stdio: 'inherit',
    },
  );
  rmSync(folder, { recursive: true, force: true });
  process.exitCode = status ?? 1;
}

async function readBack(file) {
  globalThis.gc?.();
  const heapBefore = process.memoryUsage().heapUsed;
  const delays = monitorEventLoopDelay({ resolution: 1 });
  const collections = [];
  new PerformanceObserver((list) => collections.push(...list.getEntries().map(({ duration }) => duration))).observe({
    entryTypes: ['gc'],
  });
  delays.enable();
  const since = performance.now();
  const cpuBefore = process.cpuUsage();
  const next = make(file);
  await next.ready;
  const tookMs = performance.now() - since;
  const cpu = process.cpuUsage(cpuBefore);
  const cpuMs = (cpu.user + cpu.system) / 1000;
  delays.disable();
  globalThis.gc?.();
  const waiting = (process.memoryUsage().heapUsed - heapBefore) / VIEWERS;
  console.log(
    `read ${next.stats().waiting} visits in ${tookMs.toFixed(0)} ms (${cpuMs.toFixed(0)} ms of processor time), longest stall ${(delays.max / 1e6).toFixed(0)} ms (longest collection ${Math.max(0, ...collections).toFixed(0)} ms), ${waiting.toFixed(0)} B each while they wait`,
  );
  for (const hit of hits) (await next.admit(hit)).handle.end(1);
  console.log(`resumed ${next.stats().resumedTotal}`);
  await next.stop();
}

await (process.argv[3] === undefined ? compare() : readBack(process.argv[3]));
