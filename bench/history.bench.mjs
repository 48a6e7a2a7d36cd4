/** What history in PostgreSQL takes in, with its figures: RATE (default 10,000) open and close each second, for SECONDS (60). */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import pg from 'pg';
import { createTracker } from '@stream-sessions/core';
import { openHistory } from '@stream-sessions/history';
import { startPostgres } from './postgres-server.mjs';

const { SECONDS = '60', RATE = '10000' } = process.env;
const folder = mkdtempSync(path.join(tmpdir(), 'stream-sessions-history-bench-'));
const postgres = await startPostgres();
const pool = new pg.Pool({ connectionString: postgres.url, max: 6 });
const sql = async (text, values) => (await pool.query(text, values)).rows;
const history = await openHistory({ pool, journal: path.join(folder, 'journal') });

await takeIn();

await history.stop();
await pool.end();
await postgres.stop();
rmSync(folder, { recursive: true, force: true });

/** So many open each second, each for five seconds, in a real tracker. */
async function takeIn() {
  const tracker = createTracker({ maxSessions: 1_000_000 });
  const detach = history.attach(tracker);
  const perTick = Number(RATE) / 20;
  const open = [];
  let first = 0;
  let opened = 0;
  const end = (closer) => {
    closer.touch(100_000);
    closer.close('client_gone');
  };
  const delay = monitorEventLoopDelay({ resolution: 5 });
  delay.enable();
  const begun = Date.now();
  const cpu = process.cpuUsage();
  let told = 0;
  while (Date.now() - begun < Number(SECONDS) * 1000) {
    // as many as should have come by now
    const due = Math.floor((Date.now() - begun) / 50) * perTick;
    for (let i = 0; opened < due && i < 2 * perTick; i++, opened++) {
      const remoteAddress = `10.${(opened >> 16) & 255}.${(opened >> 8) & 255}.${opened & 255}:5000`;
      const { closer } = tracker.openConn({ stream: `cam${opened % 20}`, protocol: 'rtmp', remoteAddress });
      open.push({ closer, at: Date.now() });
    }
    for (; first < open.length && Date.now() - open[first].at > 5_000; first++) end(open[first].closer);
    const second = Math.floor((Date.now() - begun) / 10_000);
    if (second > told) {
      told = second;
      const [{ minutes }] = await sql('SELECT count(DISTINCT minute) AS minutes FROM stream_sessions.touched');
      const { journalBytes, lost } = history.stats();
      console.log(
        `${second * 10} s: opened ${opened}, journal ${(journalBytes / 1e6).toFixed(1)} MB, lost ${lost}, minutes to count ${minutes}`,
      );
    }
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  const { user, system } = process.cpuUsage(cpu);
  console.log(`CPU of this process: ${((user + system) / opened).toFixed(0)} µs a visit, with its tracker`);
  delay.disable();
  console.log(`loop delay p99 ${(delay.percentile(99) / 1e6).toFixed(0)} ms, max ${(delay.max / 1e6).toFixed(0)} ms`);
  const before = Date.now();
  for (; first < open.length; first++) end(open[first].closer);
  await history.flushed();
  const [{ visits, live }] = await sql(
    'SELECT count(*) AS visits, count(*) FILTER (WHERE closed_at IS NULL) AS live FROM stream_sessions.visits',
  );
  console.log(
    `${opened} opened, ${visits} visits kept, ${live} open; all counted ${Date.now() - before} ms after the end`,
  );
  detach();
  await tracker.stop();
}
