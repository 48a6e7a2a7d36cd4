/**
 * History in PostgreSQL: what it takes in with its figures, and how long questions take over a month of a million visits.
 * SECONDS (default 60) and RATE (10,000) of the first part, VISITS (1,000,000) of the second; EXPLAIN=1 prints the plans.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import pg from 'pg';
import { createTracker } from '@stream-sessions/core';
import { openHistory } from '@stream-sessions/history';
import { startPostgres } from './postgres-server.mjs';

const { SECONDS = '60', RATE = '10000', VISITS = '1000000', PART = 'all' } = process.env;
const folder = mkdtempSync(path.join(tmpdir(), 'stream-sessions-history-bench-'));
const postgres = await startPostgres();
const pool = new pg.Pool({ connectionString: postgres.url, max: 6 });
const sql = async (text, values) => (await pool.query(text, values)).rows;
const history = await openHistory({
  pool,
  journal: path.join(folder, 'journal'),
  retentionDays: { visits: 3_650, minutes: 3_650 },
});

if (PART !== 'questions') await takeIn();
if (PART !== 'intake') await questions();

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

/** A month of visits, with figures that are counted as always. */
async function questions() {
  const start = Date.UTC(2026, 0, 1);
  const day = 86_400_000;
  await sql(
    'TRUNCATE stream_sessions.visits, stream_sessions.minutes, stream_sessions.hours, stream_sessions.days, stream_sessions.day_uniques, stream_sessions.day_viewers, stream_sessions.touched, stream_sessions.touched_hours, stream_sessions.touched_days, stream_sessions.visit_counts',
  );
  for (const table of ['visits', 'minutes', 'day_viewers'])
    for (const month of ['2026-01-15', '2026-02-15'])
      await sql('SELECT stream_sessions.ensure_month($1, $2)', [table, month]);
  console.time('a month of visits');
  await sql(
    `INSERT INTO stream_sessions.visits
     SELECT md5(n::text), at, at + length, at + length, 'cam' || (n % 50), 'viewer', (ARRAY['hls','dash','rtmp'])[1 + n % 3], ARRAY['hls'],
       ('10.' || (n / 65536) % 256 || '.' || (n / 256) % 256 || '.' || n % 256)::inet, (ARRAY['DE','FR','US','GB','PL'])[1 + n % 5],
       'user ' || viewer, 'token', viewer, 'VLC/3.0.20', (ARRAY['VLC','Chrome','Safari'])[1 + n % 3], NULL, n % 10000000, 0, true, n % 10 = 0,
       (ARRAY['idle','client_gone','kicked'])[1 + n % 3], NULL, '{"plan":"gold"}', NULL, 'full', gen_random_uuid()
     FROM (SELECT n, date_trunc('milliseconds', $1::timestamptz + random() * interval '31 days') AS at, (random() * 300000)::bigint AS viewer,
       interval '1 second' + random() ^ 3 * interval '3600 seconds' AS length FROM generate_series(1, $2::int) n) v ORDER BY at`,
    [new Date(start).toISOString(), Number(VISITS)],
  );
  await sql(
    `INSERT INTO stream_sessions.touched SELECT m FROM generate_series($1::timestamptz, $1::timestamptz + interval '31 days 2 hours', interval '1 minute') m`,
    [new Date(start).toISOString()],
  );
  await sql('ANALYZE stream_sessions.visits');
  console.timeEnd('a month of visits');
  console.time('all minutes, hours and days counted');
  await history.flushed();
  console.timeEnd('all minutes, hours and days counted');
  await sql('ANALYZE');
  const time = { from: start, to: start + 31 * day };
  const asked = {
    'summary of all streams, with uniques': () => history.summary(time),
    'summary of one stream': () => history.summary({ stream: 'cam7', ...time }),
    'concurrency of all streams, five minutes': () => history.concurrency({ ...time, stepMs: 300_000 }),
    'concurrency of one stream, five minutes': () => history.concurrency({ stream: 'cam7', ...time, stepMs: 300_000 }),
    'top streams': () => history.topStreams(time),
    'a page of a stream, with its total': () => history.visits({ stream: 'cam7', ...time, limit: 100 }),
    'a page by country and reason, with its total': () =>
      history.visits({ ...time, country: 'DE', reason: 'kicked', limit: 100 }),
    'a page of a user, with its total': () => history.visits({ user: 'user 7', ...time }),
    'a page of all, with its total': () => history.visits({ ...time, limit: 100 }),
  };
  for (const [name, ask] of Object.entries(asked)) {
    const took = [];
    for (let i = 0; i < 9; i++) {
      const begun = performance.now();
      await ask();
      took.push(performance.now() - begun);
    }
    took.sort((a, b) => a - b);
    console.log(`${name}: median ${took[4].toFixed(1)} ms, best ${took[0].toFixed(1)} ms`);
  }
  if (process.env.EXPLAIN) await explain(asked);
}

/** The plan of each statement that a question asks. */
async function explain(asked) {
  const query = pg.Client.prototype.query;
  for (const [name, ask] of Object.entries(asked)) {
    const statements = [];
    pg.Client.prototype.query = function (text, values, ...rest) {
      if (typeof text === 'string' && Array.isArray(values)) statements.push([text, values]);
      return query.call(this, text, values, ...rest);
    };
    await ask();
    pg.Client.prototype.query = query;
    console.log(`\n== ${name}`);
    for (const [text, values] of statements) {
      const plan = await sql(`EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, SUMMARY ON) ${text}`, values);
      console.log(plan.map((row) => row['QUERY PLAN']).join('\n'));
    }
  }
}
