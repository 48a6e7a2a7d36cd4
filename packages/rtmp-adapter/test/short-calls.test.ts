import { EventEmitter } from 'node:events';
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import context2 from 'node-media-server-2/src/node_core_ctx.js';
import context4 from 'node-media-server/src/core/context.js';
import { createTracker, type Policy, type SessionTracker, type Verdict } from '@stream-sessions/core';
import { attachRtmp, type Attachment, type NodeMediaServer } from '../src/index.js';
import { command, HANDSHAKE, onStream } from './support/rtmp-client.js';
import { startServer2 } from './support/server-2.js';
import { startServer4 } from './support/server-4.js';
import { until } from '../../../test/support/until.js';

const CALLS = 1_000;
const AT_ONCE = 50;
/** Who says the half of it is not answered. The others are, or asked about. */
const UNANSWERED_MS = 50;
const NEVER_MS = 5_000;

const CONNECT = command('connect', 1, { app: 'live', tcUrl: 'rtmp://h/live' });
const rtmp = (ask: 'play' | 'publish', stream: string): Buffer =>
  Buffer.concat([HANDSHAKE, CONNECT, onStream(ask, 3, null, stream, 'live')]);
const http = (method: string, stream: string, headers = ''): Buffer =>
  Buffer.from(`${method} /live/${stream}.flv HTTP/1.1\r\nHost: h\r\n${headers}\r\n`);
const UPGRADE =
  'Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n';

/** Nobody publishes over HTTP on version 2. */
const WAYS: ['rtmp' | 'http', (stream: string) => Buffer][] = [
  ['rtmp', (stream) => rtmp('play', stream)],
  ['rtmp', (stream) => rtmp('publish', stream)],
  ['http', (stream) => http('GET', stream)],
  ['http', (stream) => http('GET', stream, UPGRADE)],
  ['http', (stream) => http('POST', stream, 'Content-Length: 1000000\r\n')], // publishes
];

const YES: Verdict = { allow: true };
const NO: Verdict = { allow: false, reason: 'unauthorized', kind: 'credentials' };
/** Who is asked about, by stream. */
const asked = new EventEmitter();
/** By the stream: at once, a moment later, or not at all. */
const moody: Policy = {
  name: 'moody',
  admit: ({ stream }) => (
    asked.emit(stream),
    /[0-4]$/.test(stream) ? YES : sleep(20, /[5-8]$/.test(stream) ? YES : NO)
  ),
};

/** What keeps a process alive, but for pipes and files of the test runner. */
const handles = (): number => process.getActiveResourcesInfo().filter((kind) => /TCP|Timeout|Server/.test(kind)).length;

/** A process that does something else for a while: what has happened meanwhile happens at once then. */
function beBusy(ms: number): void {
  const end = performance.now() + ms;
  while (performance.now() < end);
}

describe.each([
  [4, startServer4, context4.sessions],
  [2, startServer2, context2.sessions],
] as const)('node-media-server %i', (version, start, sessions) => {
  const ways = version === 2 ? WAYS.slice(0, -1) : WAYS;
  let server: { readonly nms: NodeMediaServer; readonly rtmp: number; readonly http: number; stop(): Promise<void> };
  let tracker: SessionTracker;
  let attachment: Attachment;

  beforeAll(async () => {
    server = await start();
    tracker = createTracker({ policies: [moody], maxSessionsPerIp: CALLS });
    attachment = attachRtmp(server.nms, tracker);
  });
  afterAll(async () => {
    await attachment.detach();
    await tracker.stop();
    await server.stop();
  });

  /** Comes, says something, perhaps the half of it, and hangs up: at once, or soon after it was heard; politely, or not. */
  function call(i: number): Promise<void> {
    const [over, say] = ways[i % ways.length]!;
    const kind = Math.floor(i / ways.length);
    const stream = `s${i}`;
    const [said, saysHalf] = [say(stream), kind % 5 === 0];
    return new Promise((resolve) => {
      const socket = connect(server[over], '127.0.0.1', () => {
        socket.write(said.subarray(0, saysHalf ? said.length / 2 : said.length));
        if (kind % 3 === 0) leave();
        else setTimeout(leave, saysHalf ? UNANSWERED_MS : NEVER_MS).unref();
      });
      const leave = () => (kind % 2 ? socket.resetAndDestroy() : socket.destroy());
      const leaveSoon = () => setTimeout(leave, (kind % 4) * 8);
      asked.once(stream, leaveSoon);
      socket.on('error', () => undefined);
      socket.once('data', leaveSoon);
      socket.on('close', () => {
        asked.off(stream, leaveSoon);
        resolve();
      });
    });
  }

  it('closes and forgets every one of a thousand clients that leave as soon as they come', async () => {
    const before = handles();
    for (let i = 0; i < CALLS; i += AT_ONCE) {
      const calls = Array.from({ length: AT_ONCE }, (_, k) => call(i + k));
      if (i % 200 === 0) setTimeout(beBusy, 5, 50);
      await Promise.all(calls);
    }
    await until('the server has forgotten them', () => sessions.size === 0);
    await until('nobody is listed', () => tracker.stats().active === 0);
    const { openedTotal, closedTotal } = tracker.stats();
    expect(openedTotal - closedTotal).toBe(0);
    expect(openedTotal).toBeGreaterThan(CALLS / 10);
    const reasons = new Set(tracker.list({ status: 'closed', visits: 'all' }).map(({ closeReason }) => closeReason));
    expect([...reasons]).toEqual(['client_gone']);
    await until('no handle is left', () => handles() <= before);
  });
});
