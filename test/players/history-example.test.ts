import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type PostgresServer, startPostgres } from '../../packages/history/test/support/postgres.js';
import { dispose, startLiveOrigin } from './support/live-origin.js';
import { until } from './support/until.js';

const program = path.join(__dirname, '../../examples/history/server.mjs');
const temporary = mkdtempSync(path.join(tmpdir(), 'players-test-'));
const started: ChildProcess[] = [];
let postgres: PostgresServer | undefined;
afterAll(async () => {
  for (const child of started) child.kill('SIGKILL');
  await postgres?.stop();
  rmSync(temporary, { recursive: true, force: true });
});

interface Page {
  readonly total_count: number;
  readonly visits: readonly { visit_id: string; user_agent: string; close_reason?: string; closed_at?: string }[];
}

async function run(folder: string, databaseUrl: string) {
  const env = { ...process.env, PORT: '0', MEDIA: folder, DATABASE_URL: databaseUrl };
  const child = spawn(process.execPath, [program], { cwd: folder, env, stdio: ['ignore', 'pipe', 'inherit'] });
  started.push(child);
  let output = '';
  child.stdout.on('data', (data: Buffer) => (output += data.toString()));
  await until('it runs', () => output.includes('/visits\n'), { timeoutMs: 60_000 });
  const [channel = '', visits = ''] = output.split('\n');
  const end = async (signal: NodeJS.Signals) => {
    child.kill(signal);
    return (await once(child, 'exit')) as [number | null, string | null];
  };
  const ask = async () => (await (await fetch(visits)).json()) as Page;
  const watch = async (agent: string) => {
    expect((await fetch(channel, { headers: { 'User-Agent': agent } })).status).toBe(200);
  };
  return { visits, watch, ask, end };
}

it('the example of history is about thirty lines', () => {
  expect(readFileSync(program, 'utf8').trimEnd().split('\n').length).toBeLessThan(40);
});

const databases = {
  PGlite: () => '',
  PostgreSQL: async () => (postgres = await startPostgres()).url,
};

it.each(Object.entries(databases))(
  'the example of history has each visit once, whether it was killed or ended: %s',
  async (name, start) => {
    const url = await start();
    const folder = path.join(temporary, name);
    mkdirSync(path.join(folder, 'cam1'), { recursive: true });
    writeFileSync(path.join(folder, 'cam1/index.m3u8'), '#EXTM3U\n#EXTINF:4,\n1.ts\n');
    const first = await run(folder, url);
    for (const agent of ['VLC/3', 'mpv/1']) await first.watch(agent);
    const before = await until('both are there', async () => {
      const page = await first.ask();
      return page.total_count === 2 && page;
    });
    const state = path.join(folder, 'viewers.state');
    await until('they are in the state', () => readFileSync(state, 'utf8').includes('mpv/1'));
    await first.end('SIGKILL');

    const second = await run(folder, url);
    await second.watch('VLC/3');
    const after = await second.ask();
    expect(after.visits.map(({ visit_id }) => visit_id)).toEqual(before.visits.map(({ visit_id }) => visit_id));
    expect(await second.end('SIGINT')).toEqual([0, null]);

    const third = await run(folder, url);
    // an operator's browser is not on this machine alone: nobody else gets in
    expect((await fetch(third.visits, { headers: { 'X-Forwarded-For': '203.0.113.7' } })).status).toBe(403);
    const reasons = (await third.ask()).visits.map(({ user_agent, close_reason }) => [user_agent, close_reason]);
    expect(Object.fromEntries(reasons)).toEqual({ 'VLC/3': 'shutdown', 'mpv/1': 'lost' });
    expect(reasons).toHaveLength(2);
    await third.end('SIGINT');
  },
  60_000,
);

it('`HISTORY=1 npm start` remembers its viewers', async () => {
  const origin = await startLiveOrigin({ HISTORY: '1' });
  started.push(origin.process);
  const page = new URL(origin.url);
  await fetch(new URL('/live/demo/ts/master.m3u8', page), { headers: { 'User-Agent': 'VLC/3' } });
  const { visits } = await until('the visit is there', async () => {
    const kept = (await (await fetch(new URL('/api/history/visits?kind=viewer', page))).json()) as Page;
    return kept.total_count > 0 && kept;
  });
  expect(visits[0]).toMatchObject({ user_agent: 'VLC/3', proto: 'hls' });
  expect(await origin.stop('SIGINT')).toMatchObject({ code: 0 });
  await dispose(origin);
}, 120_000);
