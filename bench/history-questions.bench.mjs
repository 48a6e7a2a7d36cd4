/**
 * How long questions to history take, over a month of VISITS (default a million) in PostgreSQL, which is counted as always. The plan
 * of each statement goes to the file EXPLAIN. URL names a
 * database where that month is already.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import pg from 'pg';
import { openHistory } from '@stream-sessions/history';
import { median, table } from './lib.mjs';
import { startPostgres } from './postgres-server.mjs';

const { VISITS = '1000000', URL: given, EXPLAIN } = process.env;
const START = Date.UTC(2026, 0, 1);
const END = Date.UTC(2026, 1, 1);
const folder = mkdtempSync(path.join(tmpdir(), 'stream-sessions-history-bench-'));
const postgres = given ? undefined : await startPostgres();
const url = given ?? postgres.url;
const pool = new pg.Pool({ connectionString: url, max: 6 });
const sql = async (text, values) => (await pool.query(text, values)).rows;
const retentionDays = { visits: 3_650, minutes: 3_650 };
const history = await openHistory({ pool, journal: path.join(folder, 'journal'), retentionDays });

if (!given) await fill();
await history.flushed();
await sql('VACUUM ANALYZE');

const time = { from: START, to: END };
const page = (filter) => () => history.visits({ ...time, limit: 100, ...filter });
const QUESTIONS = {
  'summary of all streams, with uniques': () => history.summary(time),
  'summary of a stream': () => history.summary({ stream: 'cam7', ...time }),
  'concurrency of all streams, 5 min': () => history.concurrency({ ...time, stepMs: 300_000 }),
  'concurrency of a stream, 5 min': () => history.concurrency({ stream: 'cam7', ...time, stepMs: 300_000 }),
  'top streams': () => history.topStreams(time),
  'page of all': page({}),
  'page of half a month': page({ from: START + 5.3 * 86_400_000, to: START + 20.7 * 86_400_000 }),
  'page by stream': page({ stream: 'cam7' }),
  'page by user': page({ user: 'user 7' }),
  'page by address': page({ ip: '10.1.2.3' }),
  'page by block of addresses': page({ ip: '10.1.2.0/24' }),
  'page by country': page({ country: 'DE' }),
  'page by rare country': page({ country: 'IS' }),
  'page by reason': page({ reason: 'kicked' }),
  'page by rare reason': page({ reason: 'banned' }),
  'page by protocol': page({ protocol: 'dash' }),
  'page by country, reason': page({ country: 'DE', reason: 'kicked' }),
  'page by rare country, reason': page({ country: 'IS', reason: 'kicked' }),
  'page by tag': page({ tag: 'plan=gold' }),
  'page by rare tag': page({ tag: 'plan=trial' }),
  'page by tag, country': page({ tag: 'plan', country: 'DE' }),
  'page by duration': page({ minDurationMs: 60_000, maxDurationMs: 600_000 }),
  'page by rare duration': page({ minDurationMs: 3_599_000 }),
  'page by stream, duration': page({ stream: 'cam7', minDurationMs: 60_000 }),
  'page by stream, rare tag': page({ stream: 'cam7', tag: 'plan=trial' }),
  'page by country, duration': page({ country: 'DE', minDurationMs: 600_000 }),
};

const rows = [[`a month of ${VISITS} visits`, 'first', 'median', 'target']];
for (const [name, ask] of Object.entries(QUESTIONS)) {
  const took = [];
  for (let i = 0; i < 9; i++) {
    const begun = performance.now();
    await ask();
    took.push(performance.now() - begun);
  }
  rows.push([name, ...[took[0], median(took)].map((ms) => `${ms.toFixed(1)} ms`), '<= 100 ms']);
}
table(rows);
if (EXPLAIN) await explain(EXPLAIN);

await history.stop();
await pool.end();
await postgres?.stop();
rmSync(folder, { recursive: true, force: true });

/** A month of visits in the tables of the package, and its figures by the package's own statements. */
async function fill() {
  const months = [START, END].map((at) => new Date(at));
  for (const month of months)
    for (const name of ['visits', 'minutes', 'day_viewers'])
      await sql('SELECT stream_sessions.ensure_month($1, $2)', [name, month]);
  console.time('a month of visits');
  await sql(
    `INSERT INTO stream_sessions.visits
     SELECT md5(n::text), at, at + length, at + length, 'cam' || (n % 50), 'viewer', (ARRAY['hls','dash','rtmp'])[1 + n % 3], ARRAY['hls'],
       ('10.' || (n / 65536) % 256 || '.' || (n / 256) % 256 || '.' || n % 256)::inet,
       CASE WHEN n % 10000 = 0 THEN 'IS' ELSE (ARRAY['DE','FR','US','GB','PL'])[1 + n % 5] END,
       'user ' || viewer, 'token', viewer, 'VLC/3.0.20', (ARRAY['VLC','Chrome','Safari'])[1 + n % 3], NULL, n % 10000000, 0, true, n % 10 = 0,
       CASE WHEN n % 5003 = 0 THEN 'banned' ELSE (ARRAY['idle','client_gone','kicked'])[1 + n % 3] END, NULL,
       jsonb_build_object('plan', CASE WHEN n % 5000 = 7 THEN 'trial' ELSE 'gold' END), NULL, 'full', gen_random_uuid()
     FROM (SELECT n, date_trunc('milliseconds', $1::timestamptz + random() * ($2::timestamptz - $1::timestamptz)) AS at,
       (random() * 300000)::bigint AS viewer,
       date_trunc('milliseconds', interval '1 second' + random() ^ 3 * interval '3600 seconds') AS length
       FROM generate_series(1, $3::int) n) v ORDER BY at`,
    [...months, Number(VISITS)],
  );
  await sql(
    `INSERT INTO stream_sessions.touched
     SELECT m FROM generate_series($1::timestamptz, $2::timestamptz + interval '2 hours', interval '1 minute') m`,
    months,
  );
  await sql('ANALYZE stream_sessions.visits');
  console.timeEnd('a month of visits');
  console.time('all minutes, hours and days counted');
  await history.flushed();
  console.timeEnd('all minutes, hours and days counted');
}

/** Writes the plan of each statement that a question asks into a file. */
async function explain(file) {
  const { query } = pg.Client.prototype;
  const client = await pool.connect();
  let text = '';
  for (const [name, ask] of Object.entries(QUESTIONS)) {
    const statements = [];
    pg.Client.prototype.query = function (statement, values, ...rest) {
      statements.push([statement, values]);
      return query.call(this, statement, values, ...rest);
    };
    await ask();
    pg.Client.prototype.query = query;
    text += `\n== ${name}\n`;
    await client.query('BEGIN');
    for (const [statement, values] of statements) {
      if (String(statement).startsWith('SET LOCAL')) await client.query(statement);
      if (!Array.isArray(values)) continue;
      const { rows } = await client.query(`EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, SUMMARY ON) ${statement}`, values);
      text += `${rows.map((row) => row['QUERY PLAN']).join('\n')}\n\n`;
    }
    await client.query('ROLLBACK');
  }
  client.release();
  writeFileSync(file, text);
}
