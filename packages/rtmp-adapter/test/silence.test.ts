import context2 from 'node-media-server-2/src/node_core_ctx.js';
import context4 from 'node-media-server/src/core/context.js';
import { createTracker, type Policy, type SessionTracker, type Verdict } from '@stream-sessions/core';
import { fakeClock, type FakeClock } from '@stream-sessions/core/testing';
import { attachRtmp, type Attachment, type NodeMediaServer } from '../src/index.js';
import { HttpFlvClient, WsFlvClient } from './support/flv-clients.js';
import { postFlv } from './support/flv-publishers.js';
import { RtmpClient } from './support/rtmp-client.js';
import { startServer2 } from './support/server-2.js';
import { connectHttp2, Http2FlvClient } from './support/http2-flv-client.js';
import { startServer4, type Server4 } from './support/server-4.js';
import { pace, until } from '../../../test/support/until.js';

/** Rows of docs/silence.md. Programs that are frozen, and networks that are gone, are in test/players/rtmp-silence.test.ts. */
const NO: Verdict = { allow: false, reason: 'unauthorized', kind: 'credentials' };

describe.each([
  [4, startServer4, context4.sessions, 7],
  [2, startServer2, context2.sessions, 2],
] as const)('on node-media-server %i', (version, start, sessions, codec) => {
  let server: { readonly nms: NodeMediaServer; readonly rtmp: number; readonly http: number; stop(): Promise<void> };
  let clock: FakeClock;
  let tracker: SessionTracker;
  let attachment: Attachment;
  let clients: { drop(): void }[];
  let streams = 0;
  const newStream = (): string => `s${++streams}`;

  beforeAll(async () => (server = await start()));
  afterAll(() => server.stop());
  afterEach(async () => {
    clients.forEach((client) => client.drop());
    await attachment.detach();
    await tracker.stop();
    await until('all connections are gone', () => sessions.size === 0);
  });

  function attach(policies: Policy[] = []): void {
    clients = [];
    clock = fakeClock(Date.now());
    tracker = createTracker({ clock, policies });
    attachment = attachRtmp(server.nms, tracker, { clock, stallTimeoutMs: 0 });
  }

  const noted = <T extends { drop(): void }>(client: T): T => {
    clients.push(client);
    return client;
  };
  const publish = (stream: string) => noted(new RtmpClient(server.rtmp)).publish(stream, undefined, 1000, codec);
  const play = (stream: string) => noted(new RtmpClient(server.rtmp)).play(stream);
  const inputs = (stream: string) => tracker.list({ kind: 'input', stream, status: 'active' });
  const viewers = (stream: string) => tracker.list({ kind: 'viewer', stream, status: 'active' });
  /** Version 2 sends to the RTMP player some packets at a time, pings too: with this clock that one seems to be gone. */
  const over = (protocol: string, stream: string) => tracker.list({ stream, protocol })[0]?.closeReason;
  const reasons = (stream: string) => tracker.list({ stream, status: 'closed' }).map(({ closeReason }) => closeReason);

  /** So many seconds, in each of which what is on the way arrives. */
  async function pass(seconds: number): Promise<void> {
    for (let i = 0; i < seconds; i++) {
      clock.advance(1000);
      await pace(3);
    }
  }

  /** On air, with a player that gets its media. */
  async function onAir(stream: string) {
    const publisher = await publish(stream);
    await until('it publishes', () => inputs(stream).length === 1);
    const player = await play(stream);
    await until('it plays', () => player.mediaBytes > 0 && viewers(stream).length === 1);
    return { publisher, player };
  }

  describe('a publisher that is silent', () => {
    it('is closed as client_gone after 30 s, and another may publish', async () => {
      attach();
      const stream = newStream();
      const publisher = await publish(stream);
      await until('it publishes', () => inputs(stream).length === 1);
      publisher.fallSilent();
      await pass(28);
      expect(inputs(stream).length).toBe(1);
      await pass(4);
      expect(reasons(stream)).toEqual(['client_gone']);
      await until('it is hung up on', () => publisher.ended);
      await onAir(stream);
    });

    it('makes way for another at once, as replaced, and its players see the new one', async () => {
      attach();
      const stream = newStream();
      const { publisher, player } = await onAir(stream);
      publisher.fallSilent();
      await pass(5);
      const next = await publish(stream);
      await until('the first one is hung up on', () => publisher.ended);
      expect(reasons(stream)).toEqual(['replaced']);
      await until('it is listed', () => inputs(stream).length === 1);
      const then = player.mediaBytes;
      await until('the player goes on', () => player.mediaBytes > then + 3_000);
      expect(next.statuses.map(({ code }) => code)).toEqual(['NetStream.Publish.Start']);
    });

    it.each([
      ['at once', () => NO],
      ['later', () => pace(50).then(() => NO)],
    ])('keeps its stream when the other publisher is refused, %s', async (_when, verdict) => {
      let answer: () => Verdict | Promise<Verdict> = () => ({ allow: true });
      attach([{ name: 'test', admit: ({ kind }) => (kind === 'input' ? answer() : { allow: true }) }]);
      const stream = newStream();
      const { publisher, player } = await onAir(stream);
      publisher.fallSilent();
      await pass(5);
      answer = verdict;
      const other = await publish(stream);
      await until('the other is refused', () => other.ended);
      expect(other.statuses.at(-1)?.code).toBe('NetStream.Publish.Denied');
      publisher.goOn(1000, codec);
      const then = player.mediaBytes;
      await until('the player goes on', () => player.mediaBytes > then + 3_000);
      expect([inputs(stream).length, publisher.ended]).toEqual([1, false]);
    });

    it('keeps its stream when the other publisher leaves before its verdict', async () => {
      let asked = 0;
      const never = new Promise<Verdict>(() => undefined);
      attach([{ name: 'test', admit: ({ kind }) => (kind !== 'input' || asked++ === 0 ? { allow: true } : never) }]);
      const stream = newStream();
      const { publisher, player } = await onAir(stream);
      publisher.fallSilent();
      await pass(5);
      const other = await publish(stream);
      await until('it is asked about', () => asked === 2);
      other.drop();
      await until('it is gone', () => sessions.size === 2);
      publisher.goOn(1000, codec);
      const then = player.mediaBytes;
      await until('the player goes on', () => player.mediaBytes > then + 3_000);
      expect(inputs(stream).length).toBe(1);
    });

    it('does not make way while it sends', async () => {
      attach();
      const stream = newStream();
      const { publisher } = await onAir(stream);
      await pass(5);
      const other = await publish(stream);
      await until('the other is refused', () => other.ended);
      expect([publisher.ended, inputs(stream).length]).toEqual([false, 1]);
    });
  });

  /** It is asked, and its answer has come. */
  async function answers(pings: () => number): Promise<void> {
    const before = pings();
    await pass(12);
    await until('it is asked', () => pings() > before);
    await pace(20);
  }

  describe('a player over RTMP', () => {
    it('is closed as client_gone when it has not answered pings for 30 s', async () => {
      attach();
      const stream = newStream();
      const { player } = await onAir(stream);
      for (let i = 0; i < 5; i++) await answers(() => player.pings);
      expect(viewers(stream).length).toBe(1);
      player.freeze();
      await pass(25);
      expect(viewers(stream).length).toBe(1);
      await pass(7);
      expect(reasons(stream)).toEqual(['client_gone']);
    });

    it('stays if it has never answered a ping, and while there is nothing to play', async () => {
      attach();
      const [stream, empty] = [newStream(), newStream()];
      const { player } = await onAir(stream);
      player.answersPings = false;
      const waiting = await play(empty);
      await until('it waits', () => viewers(empty).length === 1);
      for (let i = 0; i < 4; i++) await answers(() => Math.min(player.pings, waiting.pings));
      await pass(60);
      expect([viewers(stream).length, player.ended]).toEqual([1, false]);
      for (let i = 0; i < 4; i++) await answers(() => waiting.pings);
      expect([viewers(empty).length, waiting.ended]).toEqual([1, false]);
    });
  });

  it('a player over WS-FLV is closed as client_gone when it has not answered pings for 30 s', async () => {
    attach();
    const stream = newStream();
    await onAir(stream);
    const player = noted(new WsFlvClient(server.http, `/live/${stream}.flv`));
    let pings = 0;
    player.ws.on('ping', () => pings++);
    await until('it plays', () => player.bytes > 0 && viewers(stream).length === 2);
    for (let i = 0; i < 4; i++) await answers(() => pings);
    expect(over('ws-flv', stream)).toBeUndefined();
    player.ws.pause();
    await pass(25);
    expect(over('ws-flv', stream)).toBeUndefined();
    await pass(7);
    expect(over('ws-flv', stream)).toBe('client_gone');
  });

  it('a player over HTTP-FLV, which cannot be pinged, stays for as long as it is connected', async () => {
    attach();
    const stream = newStream();
    await onAir(stream);
    const player = noted(new HttpFlvClient(server.http, `/live/${stream}.flv`));
    await until('it plays', () => player.bytes > 0 && viewers(stream).length === 2);
    await pass(100);
    expect([over('http-flv', stream), player.ended]).toEqual([undefined, false]);
  });

  if (version === 2) return;

  it('a silent publisher over HTTP makes way, too', async () => {
    attach();
    const stream = newStream();
    const publisher = noted(postFlv(server.http, `/live/${stream}.flv`));
    await until('it publishes', () => inputs(stream).length === 1);
    publisher.fallSilent();
    await pass(5);
    await onAir(stream);
    await until('the first one is hung up on', () => publisher.ended);
    expect(reasons(stream)).toEqual(['replaced']);
  });
  it('a player over HTTP/2 is pinged on its connection, and stays while that answers', async () => {
    attach();
    const stream = newStream();
    const connection = connectHttp2((server as Server4).https);
    noted({ drop: () => connection.destroy() });
    let pings = 0;
    connection.on('ping', () => pings++);
    await onAir(stream);
    const player = noted(new Http2FlvClient(connection, `/live/${stream}.flv`));
    await until('it plays', () => player.bytes > 0 && viewers(stream).length === 2);
    for (let i = 0; i < 4; i++) await answers(() => pings);
    expect([over('http-flv', stream), player.ended]).toEqual([undefined, false]);
  });
});
