import type { SessionClosedEvent } from '@stream-sessions/core';
import { endPlayers, playWithFfmpeg } from './support/ffmpeg-player.js';
import { startTestServer, type TestServer } from './support/test-server.js';
import { until } from './support/until.js';

const IDLE_MS = 3000;
/** Deadlines act at looks, one a second; a busy machine may be a little late for one. */
const LOOK_MS = 1000;
const SLACK_MS = 1500;

let server: TestServer;

beforeAll(async () => {
  server = await startTestServer({ idleTimeoutMs: IDLE_MS });
});

afterAll(async () => {
  endPlayers();
  await server?.stop();
});

it('a player that vanishes is closed as idle, on time, and one that plays is kept', async () => {
  const closed: Array<SessionClosedEvent & { at: number }> = [];
  server.tracker.on('closed', (event) => closed.push({ ...event, at: Date.now() }));
  const url = `${server.url}live/demo/ts/master.m3u8`;
  const players = ['vanishes', 'stays'].map((userAgent) => playWithFfmpeg(url, { userAgent }));
  const sessionOf = (userAgent: string) => server.tracker.list().find((session) => session.userAgent === userAgent);
  await until('both play', () => Math.min(sessionOf('vanishes')?.bytes ?? 0, sessionOf('stays')?.bytes ?? 0) > 300_000);

  players[0]!.kill('SIGKILL');
  await players[0]!.ended;
  const last = sessionOf('vanishes')!;
  const event = await until('its session is closed', () => closed[0], { timeoutMs: 2 * IDLE_MS });

  expect(event.session).toMatchObject({ id: last.id, userAgent: 'vanishes', closeReason: 'idle', bytes: last.bytes });
  const silentMs = event.at - last.updatedAt;
  expect(silentMs).toBeGreaterThan(IDLE_MS);
  expect(silentMs).toBeLessThan(IDLE_MS + LOOK_MS + SLACK_MS);
  expect(sessionOf('stays')).toBeDefined();
  expect(closed).toHaveLength(1);
});
