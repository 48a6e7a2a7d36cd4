/**
 * What remembering costs a hit: 100,000 viewers with a hit every 6 s of the clock, bare, and with a history in PostgreSQL that
 * hears of them, in turns. Usage: node --expose-gc history-hit.bench.mjs; VIEWERS and ROUNDS change it.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createTracker } from '@stream-sessions/core';
import { openHistory } from '@stream-sessions/history';
import { hitEach, hitOf, median, table } from './lib.mjs';
import { startPostgres } from './postgres-server.mjs';

const VIEWERS = Number(process.env.VIEWERS ?? 100_000);
const ROUNDS = Number(process.env.ROUNDS ?? 3);
const EVERY_MS = 6_000;

const postgres = await startPostgres();
const folder = mkdtempSync(path.join(tmpdir(), 'stream-sessions-history-bench-'));

async function fleet(isKept, n) {
  const tracker = createTracker({ maxSessions: 2 * VIEWERS, idleTimeoutMs: 600_000 });
  const history = isKept && (await openHistory({ url: postgres.url, journal: path.join(folder, `${n}`) }));
  if (history) history.attach(tracker);
  const hits = Array.from({ length: VIEWERS }, (_, i) => hitOf(i));
  for (const hit of hits) tracker.trackHttp(hit);
  // that all of them have opened is another matter
  if (history) await history.flushed();
  globalThis.gc?.();
  return {
    round: () => hitEach(tracker, hits, EVERY_MS),
    async end() {
      await tracker.stop({ timeoutMs: 0 });
      if (history) await history.stop({ timeoutMs: 120_000 });
    },
  };
}

const results = { bare: [], kept: [] };
for (let n = 0; n < ROUNDS; n++) {
  for (const which of n % 2 ? ['kept', 'bare'] : ['bare', 'kept']) {
    const each = await fleet(which === 'kept', n);
    await each.round();
    for (let i = 0; i < 3; i++) results[which].push(await each.round());
    await each.end();
  }
}
table([
  [`${VIEWERS} viewers, a hit every 6 s; history in PostgreSQL`, 'measured', 'target'],
  ['a hit, against nobody listening', (median(results.kept) / median(results.bare)).toFixed(3), '<= 1.03'],
  ['bare', `${((median(results.bare) / VIEWERS) * 1000).toFixed(2)} µs`, ''],
]);
await postgres.stop();
rmSync(folder, { recursive: true, force: true });
