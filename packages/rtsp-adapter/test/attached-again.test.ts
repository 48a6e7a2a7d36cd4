import type { Server } from 'node:net';
import { createTracker, type Policy, type SessionTracker } from '@stream-sessions/core';
import { attachRtsp, type Attachment } from '../src/index.js';
import { app, createServer, listening } from './support/package-server.js';
import { RtspClient } from './support/rtsp-client.js';
import { until } from '../../../test/support/until.js';

const nobody: Policy = { name: 'nobody', admit: () => ({ allow: false, reason: 'policy', kind: 'limit' }) };

let server: Server;
let first: SessionTracker;
let attachment: Attachment;
let client: RtspClient;

beforeEach(async () => {
  first = createTracker();
  server = createServer();
  attachment = attachRtsp(server, first);
  server.on('request', app);
  client = new RtspClient(await listening(server));
});

afterEach(async () => {
  jest.useRealTimers();
  client.drop();
  await attachment.detach();
  server.close();
  await first.stop();
});

it('a connection of the package asks whoever is attached now, not whom it asked first', async () => {
  expect((await client.ask('DESCRIBE', client.url('/live/cam1'))).status).toBe(200);
  await attachment.detach();
  const second = createTracker({ policies: [nobody] });
  attachment = attachRtsp(server, second);

  expect((await client.ask('DESCRIBE', client.url('/live/cam2'))).status).toBe(453);
  expect(second.stats().deniedTotal).toBe(1);
  expect(first.count({ stream: 'cam2' })).toBe(0);
  await second.stop();
});

it('a server of the package that somebody has wrapped can be attached to again, and asks once', async () => {
  const wrapped = server.emit.bind(server);
  server.emit = (event: string, ...args: unknown[]) => wrapped(event, ...args);
  await attachment.detach();
  expect((await client.ask('DESCRIBE', client.url('/live/cam1'))).status).toBe(200);
  expect(first.stats().openedTotal).toBe(0);
  attachment = attachRtsp(server, first);
  expect((await client.ask('DESCRIBE', client.url('/live/cam1'))).status).toBe(200);
  expect(first.stats().openedTotal).toBe(1);
});

it('a player of the package that begins to play after detach() plays on', async () => {
  jest.useFakeTimers({ doNotFake: ['setInterval', 'clearInterval', 'setImmediate', 'nextTick', 'queueMicrotask'] });
  expect((await client.ask('DESCRIBE', client.url('/live/cam1'))).status).toBe(200);
  await attachment.detach();
  expect((await client.ask('PLAY', client.url('/live/cam1'))).status).toBe(200);
  jest.advanceTimersByTime(60_000);
  jest.useRealTimers();
  const { mediaBytes } = client;
  await until('media goes on', () => client.mediaBytes > mediaBytes + 1_000);
});
