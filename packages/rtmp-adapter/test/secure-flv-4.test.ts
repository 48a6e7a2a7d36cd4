import context from 'node-media-server/src/core/context.js';
import { HttpFlvClient, WsFlvClient } from './support/flv-clients.js';
import { Http2FlvClient } from './support/http2-flv-client.js';
import { Stage4 } from './support/stage-4.js';
import { soon, until } from '../../../test/support/until.js';

const stage = new Stage4();

async function newStream(packetBytes = 1000): Promise<string> {
  const stream = stage.newStream();
  await stage.onAir(stream, packetBytes);
  return stream;
}

const pathOf = (stream: string, token?: string) => `/live/${stream}.flv${token ? `?token=${token}` : ''}`;
const http1 = (path: string, headers = {}) => stage.noted(new HttpFlvClient(stage.server.https, path, headers, true));
const wss = (path: string, headers = {}) => stage.noted(new WsFlvClient(stage.server.https, path, headers, true));
const http2 = (path: string, headers = {}) => stage.noted(new Http2FlvClient(stage.connection, path, headers));
const viewers = () => stage.tracker.list({ status: 'active', kind: 'viewer' });
const viewer = (name: string) => stage.tracker.list({ kind: 'viewer' }).find(({ userAgent }) => userAgent === name);

describe.each([
  ['HTTP/1.1', 'http-flv', http1],
  ['HTTP/2', 'http-flv', http2],
  ['WebSocket', 'ws-flv', wss],
] as const)('a player over TLS and %s', (_name, protocol, play) => {
  it('is listed as secure, with its details, and its bytes are counted', async () => {
    stage.attach();
    const stream = await newStream(20_000);
    const player = play(pathOf(stream, 'abc'), { 'user-agent': 'MyUA/1.0' });
    await until('it has played a while', () => player.bytes > 500_000);
    expect(viewers()).toEqual([
      expect.objectContaining({
        stream,
        protocol,
        ip: '127.0.0.1',
        userAgent: 'MyUA/1.0',
        namedBy: 'token',
        secure: true,
      }),
    ]);
    player.drop();
    await until('it is closed', () => viewers().length === 0);
    const [session] = stage.tracker.list({ kind: 'viewer' });
    expect(session?.closeReason).toBe('client_gone');
    expect(session!.bytes / player.bytes).toBeGreaterThan(0.99);
    expect(session!.bytes / player.bytes).toBeLessThan(1.3); // what had left when it went
  });

  it('is refused with the status and the reason, before any media', async () => {
    const admit = async () => ({ allow: false, reason: 'unauthorized', kind: 'credentials' }) as const;
    stage.attach({
      policies: [{ name: 'test', admit: (asks) => (asks.kind === 'input' ? { allow: true } : admit()) }],
    });
    const player = play(pathOf(await newStream()));
    await until('it is let go', () => player.ended);
    expect(player.answer).toBe(401);
    expect('body' in player ? player.body : player.reason).toMatch(/^unauthorized\n?$/);
    expect(viewers()).toEqual([]);
  });

  it('is gone within a second of a kick, while its neighbour plays on', async () => {
    stage.attach();
    const stream = await newStream();
    const neighbour = play(pathOf(stream), { 'user-agent': 'neighbour' });
    const kicked = play(pathOf(stream), { 'user-agent': 'kicked' });
    await until('both play', () => neighbour.bytes > 0 && kicked.bytes > 0);
    expect(stage.tracker.kick(viewer('kicked')!.id)).toBe(true);
    await soon('it is gone', 1_000, () => kicked.ended);
    const [then, had] = [neighbour.bytes, kicked.bytes];
    await until('the neighbour plays on', () => neighbour.bytes > then + 10_000);
    expect([kicked.bytes, neighbour.ended, viewers().length]).toEqual([had, false, 1]);
    expect(stage.broadcast(stream)?.subscribers.size).toBe(1);
  });

  it('is seen to leave, though its neighbour stays', async () => {
    stage.attach();
    const stream = await newStream();
    const players = [play(pathOf(stream)), play(pathOf(stream))] as const;
    await until('both play', () => players.every(({ bytes }) => bytes > 0));
    players[0].drop();
    await until('one is left', () => viewers().length === 1);
    expect(stage.broadcast(stream)?.subscribers.size).toBe(1);
    const then = players[1].bytes;
    await until('it plays on', () => players[1].bytes > then);
  });
});

it('an HTTP/2 stream that is not read is cut as stalled, and its neighbour is not', async () => {
  stage.attach({}, { stallTimeoutMs: 1_000, maxBufferBytes: 300_000 });
  const stream = await newStream(60_000);
  const stuck = http2(pathOf(stream), { 'user-agent': 'stuck' });
  const other = http2(pathOf(stream), { 'user-agent': 'other' });
  await until('both play', () => stuck.bytes > 0 && other.bytes > 0);
  stuck.pause();
  const waiting = () =>
    Math.max(...[...context.sessions.values()].map((session) => (session as any).req?.stream.writableLength ?? 0));
  let most = 0;
  const watch = setInterval(() => (most = Math.max(most, waiting())), 20);
  await until('it is cut', () => viewer('stuck')?.closeReason === 'stalled');
  clearInterval(watch);
  expect(most).toBeGreaterThan(200_000);
  expect(most).toBeLessThan(1_500_000); // the bound, and what a newcomer gets at once
  const then = other.bytes;
  await until('the other plays on', () => other.bytes > then + 500_000);
  expect(viewers()).toHaveLength(1);
});
