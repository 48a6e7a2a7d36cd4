import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { createTracker, type TrackerOptions, type Verdict } from '@stream-sessions/core';
import context from 'node-media-server/src/core/context.js';
import { attachRtmp } from '../src/index.js';
import { message, RtmpClient } from './support/rtmp-client.js';
import { RtspSource } from './support/rtsp-source.js';
import { startServer2, type Server2 } from './support/server-2.js';
import { Stage4 } from './support/stage-4.js';
import { pace, stays, until } from '../../../test/support/until.js';

const stage = new Stage4();
/** Another server: version 4 can be there only once. */
let elsewhere: Server2;
beforeAll(async () => (elsewhere = await startServer2()));
afterAll(() => elsewhere.stop());

const relays = () => stage.server.nms.relayServer;
const active = (kind: 'input' | 'output') => stage.tracker.list({ kind, status: 'active' });
const task = (url: string, stream: string, mode: 'push' | 'pull') => {
  const config = { url, streamPath: `/live/${stream}`, mode, reconnectInterval: 50 };
  const added = relays().addTask(config);
  stage.noted({ drop: () => relays().tasks.forEach((_, key) => relays().removeTask(key)) });
  return added;
};
const play = async (stream: string) => stage.noted(new RtmpClient(stage.server.rtmp)).play(stream);

const byKind = (kind: string, verdict: () => Verdict | Promise<Verdict>): TrackerOptions => ({
  policies: [{ name: 'test', admit: (asks) => (asks.kind === kind ? verdict() : { allow: true }) }],
});
const NO: Verdict = { allow: false, reason: 'unauthorized', kind: 'forbidden' };

describe('a push', () => {
  const push = (stream: string) => {
    const url = `rtmp://127.0.0.1:${elsewhere.rtmp}/live/${stream}`;
    return { key: `push:${url}`, relay: task(url, stream, 'push') };
  };

  it('is an output whose bytes are counted, and a kick ends it for good', async () => {
    stage.attach();
    const stream = stage.newStream();
    await stage.onAir(stream);
    await until('it is on air', () => active('input').length === 1);
    const { key } = push(stream);
    await until('it is listed and counted', () => (active('output')[0]?.bytes ?? 0) > 1000);
    expect(active('output')).toEqual([expect.objectContaining({ stream, protocol: 'rtmp', ip: '127.0.0.1' })]);
    expect(stage.tracker.kick(active('output')[0]!.id)).toBe(true);
    await until('its connection is gone', () => context.sessions.size === 1);
    expect(relays().removeTask(key)).toBe(false);
  });

  it('is seen by each of two trackers', async () => {
    stage.attach();
    const other = createTracker();
    const attachment = attachRtmp(stage.server.nms, other);
    const stream = stage.newStream();
    await stage.onAir(stream);
    await until('it is on air', () => active('input').length === 1);
    const { key } = push(stream);
    await until('both list it', () => active('output').length === 1 && other.count({ kind: 'output' }) === 1);
    await attachment.detach();
    expect(active('output')).toHaveLength(1);
    expect(relays().removeTask(key)).toBe(true);
    await until('it is closed', () => active('output').length === 0);
    await other.stop();
  });
});

describe.each(['rtmp', 'rtsp'] as const)('a pull over %s', (protocol) => {
  let camera: RtspSource;
  /** Where the stream comes from, with a password and a key in its address. */
  async function source(stream: string): Promise<string> {
    if (protocol === 'rtmp') {
      await stage.noted(new RtmpClient(elsewhere.rtmp)).publish(stream, undefined, 1000, 2);
      return `rtmp://me:secret@127.0.0.1:${elsewhere.rtmp}/live/${stream}?key=secret`;
    }
    camera = stage.noted(await new RtspSource().start());
    return `rtsp://me:secret@127.0.0.1:${camera.port}/secret/${stream}?key=secret`;
  }
  const hostOf = (url: string) => url.replace(/me:secret@/, '').replace(/([^/])\/[^/].*$/, '$1');

  it('is an input with the bytes that came, and without the secrets of its address', async () => {
    const asked: unknown[] = [];
    const listen = (candidate: unknown): Verdict => (asked.push(candidate), { allow: true });
    stage.attach({ policies: [{ name: 'listener', admit: listen }] });
    const stream = stage.newStream();
    const url = await source(stream);
    task(url, stream, 'pull');
    const player = await play(stream);
    await until('its media is played', () => player.mediaBytes > 5_000);
    expect(active('input')).toEqual([expect.objectContaining({ stream, protocol, ip: '127.0.0.1', kind: 'input' })]);
    expect(asked).toContainEqual(expect.objectContaining({ kind: 'input', url: hostOf(url) }));
    expect(JSON.stringify(asked)).not.toContain('secret');
    await until('it is counted', () => active('input')[0]!.bytesReceived > 20_000);
    expect(JSON.stringify(active('input'))).not.toContain('secret');
    expect(relays().removeTask(`/live/${stream}`)).toBe(true);
    await until('it is closed', () => active('input').length === 0);
    const [{ bytesReceived, closeReason }] = stage.tracker.list({ kind: 'input' }) as [any];
    expect(closeReason).toBe('client_gone');
    expect(bytesReceived).toBeGreaterThan(20_000);
    if (protocol === 'rtsp') {
      expect(bytesReceived / camera.sent).toBeGreaterThan(0.9);
      expect(bytesReceived).toBeLessThanOrEqual(camera.sent);
    }
  });

  it('ends for good when it is kicked', async () => {
    stage.attach();
    const stream = stage.newStream();
    task(await source(stream), stream, 'pull');
    await until('it is listed', () => active('input').length === 1);
    expect(stage.tracker.kick(active('input')[0]!.id)).toBe(true);
    await until('it is gone', () => context.sessions.size === 0);
    expect(relays().removeTask(`/live/${stream}`)).toBe(false);
    // longer than it waits to connect again
    const isAlone = (): boolean => stage.tracker.stats().openedTotal === 1 && context.sessions.size === 0;
    await stays('it does not come back', isAlone, 200);
    expect(stage.broadcast(stream)).toBeUndefined();
  });

  it.each([
    ['at once', () => NO],
    ['later', () => pace(150).then(() => NO)],
  ])('reaches nobody when it is refused %s, and its task ends', async (_when, verdict) => {
    stage.attach(byKind('input', verdict));
    const stream = stage.newStream();
    const player = await play(stream);
    await until('one waits for it', () => stage.broadcast(stream)?.subscribers.size === 1);
    task(await source(stream), stream, 'pull');
    await until('it is refused', () => stage.tracker.stats().deniedTotal > 0);
    await until('it is gone', () => context.sessions.size === 1);
    expect(relays().removeTask(`/live/${stream}`)).toBe(false);
    expect([player.mediaBytes, stage.broadcast(stream)?.publisher]).toEqual([0, null]);
  });

  it('delivers media once a late verdict is yes', async () => {
    let answer: (verdict: Verdict) => void = () => undefined;
    stage.attach(byKind('input', () => new Promise((resolve) => (answer = resolve))));
    const stream = stage.newStream();
    const player = await play(stream);
    task(await source(stream), stream, 'pull');
    await until('it has asked', () => stage.broadcast(stream)?.publisher != null);
    await stays('it has no media', () => player.mediaBytes === 0, 150);
    answer({ allow: true });
    await until('it plays', () => player.mediaBytes > 5_000);
    expect(relays().removeTask(`/live/${stream}`)).toBe(true);
  });
});

it('a pull that had to connect again has a new session', async () => {
  stage.attach();
  const camera = stage.noted(await new RtspSource().start());
  const stream = stage.newStream();
  task(`rtsp://127.0.0.1:${camera.port}/${stream}`, stream, 'pull');
  await until('it is listed', () => active('input').length === 1);
  const [first] = active('input');
  camera.hangUp();
  await until('it is there again', () => active('input').length === 1 && active('input')[0]!.id !== first!.id);
  expect(stage.tracker.get(first!.id)?.closeReason).toBe('client_gone');
  expect(relays().removeTask(`/live/${stream}`)).toBe(true);
});

describe('a source that would end the process', () => {
  it('because it sends media together with its answer is pulled', async () => {
    stage.attach();
    const camera = stage.noted(await new RtspSource().start());
    camera.eager = true;
    const stream = stage.newStream();
    task(`rtsp://127.0.0.1:${camera.port}/${stream}`, stream, 'pull');
    const player = await play(stream);
    await until('it plays', () => player.mediaBytes > 5_000);
    expect(camera.connections).toBe(1);
  });

  it('because it sends invalid data is tried again, and released each time', async () => {
    stage.attach();
    // objects in objects, without end
    const endless = message(20, Buffer.from('03000161'.repeat(9_000), 'hex'));
    const nonsense = Buffer.concat([Buffer.from([3]), Buffer.alloc(3072), endless]);
    let connections = 0;
    const server = createServer((socket) => {
      connections++;
      socket.on('error', () => undefined).end(nonsense);
    }).listen(0, '127.0.0.1');
    stage.noted({ drop: () => server.close() });
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const stream = stage.newStream();
    task(`rtmp://127.0.0.1:${port}/live/x`, stream, 'pull');
    await until('it was tried again', () => connections > 2);
    expect(active('input')).toEqual([]);
  });
});
