import { createTracker, type SessionTracker } from '@stream-sessions/core';
import { createSources, customDriver, type Sources } from '@stream-sessions/on-demand';
import { createRtspServer, type RtspServer } from '../src/index.js';
import { until } from '../../../test/support/until.js';
import { RtspClient } from './support/rtsp-client.js';

const silent = { debug: jest.fn(), info: jest.fn(), warn: jest.fn(), error: jest.fn() };
let tracker: SessionTracker;
let server: RtspServer;
let sources: Sources;
let port: number;
let started: string[];
let clients: RtspClient[];

async function serve(holdMs = 8_000): Promise<void> {
  tracker = createTracker({ logger: silent });
  const driver = customDriver({ start: ({ stream }) => void started.push(stream), stop: () => undefined });
  sources = createSources(tracker, { sources: [{ pattern: 'cam{n}', driver }], holdMs, logger: silent });
  server = createRtspServer({ tracker, ready: sources.ready });
  ({ port } = await server.listen(0, '127.0.0.1'));
}

const client = (): RtspClient => {
  const made = new RtspClient(port);
  clients.push(made);
  return made;
};

beforeEach(() => {
  started = [];
  clients = [];
});
afterEach(async () => {
  clients.forEach((each) => each.drop());
  await server.close();
  await sources.close();
  await tracker.stop();
});

it('DESCRIBE is held until the source started for it publishes, and then the player plays', async () => {
  await serve();
  const player = client();
  const answer = player.play('/live/cam1');
  await until('the source is started', () => started.length === 1);
  expect(tracker.count({ stream: 'cam1', kind: 'viewer' })).toBe(1);
  expect(player.responses).toEqual([]);
  expect((await client().publish('/live/cam1')).status).toBe(200);
  expect((await answer).status).toBe(200);
  await until('media arrives', () => player.mediaBytes > 0);
});

it('DESCRIBE is answered 503 if the source does not publish in time, and the player is no longer listed', async () => {
  await serve();
  const player = client();
  const answer = player.play('/live/cam1');
  expect((await answer).status).toBe(503);
  expect(player.responses.at(-1)?.headers['retry-after']).toBe('2');
  expect(tracker.count({ stream: 'cam1', status: 'active' })).toBe(0);
  expect(started).toEqual(['cam1']);
});

it('DESCRIBE is answered 404 for streams without a source, without judging the client', async () => {
  await serve();
  expect((await client().play('/live/elsewhere')).status).toBe(404);
  expect(tracker.count({ stream: 'elsewhere' })).toBe(0);
});

it('a refused player starts no source', async () => {
  await serve();
  tracker.deny({ ip: '127.0.0.1' });
  expect((await client().play('/live/cam1')).status).toBe(403);
  expect(started).toEqual([]);
});

it('a player that has gone is no longer held', async () => {
  await serve();
  const player = client();
  void player.play('/live/cam1').catch(() => undefined);
  await until('the source is started', () => started.length === 1);
  player.drop();
  await until('it is gone', () => tracker.count({ stream: 'cam1', status: 'active' }) === 0);
});
