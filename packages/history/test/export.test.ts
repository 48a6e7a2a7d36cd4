import { once } from 'node:events';
import { createServer, type IncomingMessage, request, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type History, historyApi, openHistory, type SqlEngine } from '@stream-sessions/history';
import { join } from 'node:path';
import { pace, until } from '../../../test/support/until.js';
import { Stage } from './support/stage.js';

const VISITS = 25_000;
/** Of so many bytes, so that no buffer of a socket takes all of them. */
const BYTES = 2_000;
const PAGES = VISITS / 1_000;

let stage: Stage;
let history: History;
let server: Server;
/** Pages that were read from the database. */
let pages = 0;
let isAway = false;

beforeAll(async () => {
  stage = await Stage.begin();
  const { engine } = stage;
  const counted: SqlEngine = {
    name: engine.name,
    transaction: (work) => engine.transaction(work),
    close: async () => undefined,
    query: (text, values) => {
      if (text.includes('ORDER BY v.opened_at DESC')) pages++;
      return isAway ? Promise.reject(new Error('The database is away.')) : engine.query(text, values);
    },
  };
  history = await openHistory({ engine: counted, journal: join(stage.folder, 'journal'), clock: stage.clock });
  await engine.query("SELECT stream_sessions.ensure_month('visits', '2026-03-01Z')", []);
  await engine.query(
    `INSERT INTO stream_sessions.visits
     SELECT 'visit ' || n, at, at + interval '9 s', at + interval '9 s', 'cam1', 'viewer', 'hls', '{hls}', NULL, NULL, 'ann', 'token', n, NULL,
       'VLC', repeat('x', $2::int), n, 0, true, false, 'idle', NULL, '{}', NULL, 'full', gen_random_uuid()
     FROM (SELECT n, timestamptz '2026-03-01Z' + n * interval '1 s' AS at FROM generate_series(1, $1::int) AS n) AS v`,
    [VISITS, BYTES],
  );
  const api = historyApi(history, { authorize: () => true });
  server = createServer((req, res) => api(req, res)).listen(0, '127.0.0.1');
  await once(server, 'listening');
});
afterAll(async () => {
  isAway = false;
  server.close();
  await history.stop();
  await stage.end();
});
beforeEach(() => {
  pages = 0;
  isAway = false;
});

/** Somebody who asks, and reads nothing yet. */
async function ask(path: string): Promise<IncomingMessage> {
  const { port } = server.address() as AddressInfo;
  const [response] = (await once(request({ port, host: '127.0.0.1', path, agent: false }).end(), 'response')) as [
    IncomingMessage,
  ];
  return response;
}

/** Nothing more is read from the database. */
async function untilStill(): Promise<number> {
  await until('it is no longer read', async () => {
    const before = pages;
    await pace(500);
    return pages === before;
  });
  return pages;
}

async function linesOf(response: IncomingMessage): Promise<number> {
  let lines = 0;
  for await (const chunk of response) lines += (chunk as Buffer).toString('latin1').split('\n').length - 1;
  return lines;
}

it.each([
  ['ndjson', VISITS],
  ['csv', VISITS + 1],
])(
  'an export reads no faster than its client: %s',
  async (format, lines) => {
    const response = await ask(`/visits.${format}`);
    const read = await untilStill();
    expect(read).toBeLessThan(PAGES / 2);
    expect(await linesOf(response)).toBe(lines);
    expect(pages).toBe(PAGES + 1);
  },
  60_000,
);

it('an export stops reading when its client has gone', async () => {
  const response = await ask('/visits.ndjson');
  response.destroy();
  const read = await untilStill();
  expect(read).toBeLessThan(PAGES / 2);
});

it('an export that fails in the middle breaks off, so that nobody takes it for complete', async () => {
  const response = await ask('/visits.csv');
  await untilStill();
  isAway = true;
  await expect(linesOf(response)).rejects.toThrow('aborted');
});

it('an export that fails before anything is sent answers with an error', async () => {
  isAway = true;
  const response = await ask('/visits.csv');
  expect(response.statusCode).toBe(500);
  expect(await linesOf(response)).toBe(0);
});

it('an export ends when its client has gone before the first visit is read', async () => {
  let hangUp: () => void = () => undefined;
  const gone = new Promise<void>((resolve) => (hangUp = resolve));
  let hasEnded = false;
  const all = history.exportVisits.bind(history);
  const slow = jest.spyOn(history, 'exportVisits').mockImplementation(async function* (filter) {
    try {
      client.destroy();
      await gone;
      yield* all(filter);
    } finally {
      hasEnded = true;
    }
  });
  server.once('request', (_req, res: ServerResponse) => res.once('close', hangUp));
  const { port } = server.address() as AddressInfo;
  const client = request({ port, host: '127.0.0.1', path: '/visits.ndjson', agent: false }).on(
    'error',
    () => undefined,
  );
  client.end();
  await until('nothing more is read for it', () => hasEnded);
  slow.mockRestore();
  expect(pages).toBe(1);
});
