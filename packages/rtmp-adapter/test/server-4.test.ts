import { request } from 'node:http';
import context from 'node-media-server/src/core/context.js';
import {
  createTracker,
  type Policy,
  type SessionTracker,
  type TrackerOptions,
  type Verdict,
} from '@stream-sessions/core';
import { attachRtmp, type Attachment, type RtmpOptions } from '../src/index.js';
import { HttpFlvClient, WsFlvClient } from './support/flv-clients.js';
import { RtmpClient } from './support/rtmp-client.js';
import { startServer4, type Server4 } from './support/server-4.js';
import { soon, stays, until } from '../../../test/support/until.js';

let server: Server4;
let tracker: SessionTracker;
let attachment: Attachment;
let clients: { drop(): void }[];

beforeAll(async () => (server = await startServer4()));
afterAll(() => server.stop());
afterEach(async () => {
  clients.forEach((client) => client.drop());
  await attachment.detach();
  await tracker.stop();
  await until('all connections are gone', () => context.sessions.size === 0);
});

const silent = () => undefined;
const logger = { debug: silent, info: silent, warn: silent, error: silent };

function attach(options: TrackerOptions = {}, rtmpOptions: RtmpOptions = {}): void {
  clients = [];
  tracker = createTracker({ logger, ...options });
  attachment = attachRtmp(server.nms, tracker, rtmpOptions);
}

const noted = <T extends { drop(): void }>(client: T): T => {
  clients.push(client);
  return client;
};
const rtmp = () => noted(new RtmpClient(server.rtmp));
const http = (path: string, headers?: Record<string, string>) => noted(new HttpFlvClient(server.http, path, headers));
const ws = (path: string) => noted(new WsFlvClient(server.http, path));
const live = () => tracker.list({ status: 'active' });
const viewers = () => tracker.list({ status: 'active', kind: 'viewer' });
const closed = () => tracker.list({ status: 'closed' });
const opened = () => tracker.stats().openedTotal;

/** Every test has streams of its own, for the server keeps a publisher's place for a while. */
let streams = 0;
const newStream = () => `s${++streams}`;

const about = (kind: string, verdict: () => Verdict | Promise<Verdict>): Policy => ({
  name: 'test',
  admit: (candidate) => ((candidate.kind ?? 'viewer') === kind ? verdict() : { allow: true }),
});
const NO: Verdict = { allow: false, reason: 'unauthorized', kind: 'credentials', detail: 'no such token' };

describe('what the tracker learns', () => {
  it('of a player over RTMP: stream, address without port, flashVer, query, token', async () => {
    attach({ exposeTokens: true });
    const stream = newStream();
    await rtmp().publish(stream, 'FMLE/3.0');
    await rtmp().play(`${stream}?token=abc&quality=high`, 'LNX 9,0,124,2');
    await until('it is listed', () => viewers().length === 1);
    expect(viewers()[0]).toMatchObject({
      stream,
      protocol: 'rtmp',
      ip: '127.0.0.1',
      userAgent: 'LNX 9,0,124,2',
      query: expect.stringMatching(/^token=[^&]+&quality=high$/),
      token: 'abc',
      secure: false,
    });
    expect(tracker.list({ kind: 'input' })).toEqual([expect.objectContaining({ stream, userAgent: 'FMLE/3.0' })]);
  });

  it('that RTMPS is secure', async () => {
    attach();
    await noted(new RtmpClient(server.rtmps, true)).play(newStream());
    await until('it is listed', () => viewers().length === 1);
    expect(viewers()).toEqual([expect.objectContaining({ protocol: 'rtmp', secure: true })]);
  });

  it('of players over HTTP-FLV and WS-FLV, which are one stream with the RTMP ones', async () => {
    attach();
    const stream = newStream();
    await rtmp().play(stream);
    http(`/live/${stream}.flv?token=abc`, { 'user-agent': 'MyUA/1.0' });
    ws(`/live/${stream}.flv?token=def`);
    await until('all are listed', () => viewers().length === 3);
    expect(
      viewers()
        .map(({ protocol }) => protocol)
        .sort(),
    ).toEqual(['http-flv', 'rtmp', 'ws-flv']);
    expect(tracker.streams()).toEqual([expect.objectContaining({ stream, viewers: 3 })]);
    expect(tracker.list({ protocol: 'http-flv' })[0]).toMatchObject({ userAgent: 'MyUA/1.0', namedBy: 'token' });
  });
});

describe('the messages of a refusal', () => {
  const kinds = [
    ['credentials', 401],
    ['forbidden', 403],
    ['limit', 429],
    ['overload', 503],
  ] as const;
  it.each(kinds)('%s is %i over every protocol, without media', async (kind, status) => {
    attach({ policies: [about('viewer', async () => ({ ...NO, kind }))] });
    const stream = newStream();
    await rtmp().publish(stream);
    const players = [await rtmp().play(stream), http(`/live/${stream}.flv`), ws(`/live/${stream}.flv`)] as const;
    await until('all are let go', () => players.every(({ ended }) => ended));
    const [overRtmp, overHttp, overWs] = players;
    expect(overRtmp.statuses.at(-1)).toEqual({
      level: 'error',
      code: 'NetStream.Play.Failed',
      description: `${status} unauthorized: no such token`,
    });
    expect([overHttp.status, overHttp.body]).toEqual([status, 'unauthorized: no such token\n']);
    expect([overWs.code, overWs.reason]).toEqual([4000 + status, 'unauthorized: no such token']);
    expect([overRtmp.mediaBytes, overWs.bytes]).toEqual([0, 0]);
    expect(viewers()).toEqual([]);
  });

  it('a publisher gets Publish.Denied, its media reaches nobody, and the stream is free at once', async () => {
    let allow = false;
    attach({ policies: [about('input', () => (allow ? { allow: true } : NO))] });
    const stream = newStream();
    const player = await rtmp().play(stream);
    await until('it plays', () => viewers().length === 1);
    const denied = await rtmp().publish(stream);
    await until('it is let go', () => denied.ended);
    expect(denied.statuses.at(-1)).toMatchObject({ level: 'error', code: 'NetStream.Publish.Denied' });
    expect(player.mediaBytes).toBe(0);
    allow = true;
    await rtmp().publish(stream);
    await until('the player gets media', () => player.mediaBytes > 0);
    expect(tracker.count({ kind: 'input', status: 'active' })).toBe(1);
  });
});

describe('while a verdict is pending', () => {
  it('a player gets nothing, and then everything from the latest key frame onwards', async () => {
    let answer: (verdict: Verdict) => void = silent;
    attach({ policies: [about('viewer', () => new Promise((resolve) => (answer = resolve)))] });
    const stream = newStream();
    await rtmp().publish(stream);
    const players = [await rtmp().play(stream), http(`/live/${stream}.flv`)] as const;
    await until('they have asked', () => context.broadcasts.get(`/live/${stream}`)?.subscribers.size === 2);
    await stays('nobody has media', () => players[0].mediaBytes + players[1].bytes === 0, 200);
    answer({ allow: true });
    await until('one has media', () => players[0].mediaBytes + players[1].bytes > 1000);
    tracker.updateConfig({ policies: [] });
    expect(viewers()).toHaveLength(1);
  });

  it('media of a publisher is kept for an approval, within bounds, and discarded on a refusal', async () => {
    let answer: (verdict: Verdict) => void = silent;
    attach({ policies: [about('input', () => new Promise((resolve) => (answer = resolve)))] });
    const stream = newStream();
    const player = await rtmp().play(stream);
    const publisher = await rtmp().publish(stream, 'FMLE/3.0', 200_000);
    await until('it is not read any more', () => publisher.socket.writableLength > 500_000);
    expect(player.mediaBytes).toBe(0);
    expect(tracker.count({ kind: 'input' })).toBe(0);
    answer({ allow: true });
    await until('the player has what was kept', () => player.mediaBytes > 1_000_000);
    expect(tracker.count({ kind: 'input', status: 'active' })).toBe(1);
  });
});

describe('a kick', () => {
  it('sends Play.Stop over RTMP and 4000 over WebSocket, and cuts HTTP', async () => {
    attach();
    const stream = newStream();
    await rtmp().publish(stream);
    const players = [await rtmp().play(stream), http(`/live/${stream}.flv`), ws(`/live/${stream}.flv`)] as const;
    await until('all play', () => players[0].mediaBytes > 0 && players[1].bytes > 0 && players[2].bytes > 0);
    expect(tracker.kickAll({ kind: 'viewer' })).toBe(3);
    await soon('all are gone', 1_000, () => players.every(({ ended }) => ended));
    expect(players[0].statuses.at(-1)).toMatchObject({ code: 'NetStream.Play.Stop', description: 'kicked' });
    expect([players[2].code, players[2].reason]).toEqual([4000, 'kicked']);
    const reasons = closed().filter(({ kind }) => kind === 'viewer');
    expect(reasons.map(({ closeReason }) => closeReason)).toEqual(['kicked', 'kicked', 'kicked']);
    expect(context.broadcasts.get(`/live/${stream}`)?.subscribers.size).toBe(0);
  });

  it('ends a publisher, and keeps it out', async () => {
    attach();
    const stream = newStream();
    const publisher = await rtmp().publish(stream);
    await until('it is listed', () => live().length === 1);
    tracker.kick(live()[0]!.id);
    await until('it is gone', () => publisher.ended);
    const again = await rtmp().publish(stream);
    await until('it is refused', () => again.ended);
    expect(again.statuses.at(-1)).toMatchObject({ code: 'NetStream.Publish.Denied' });
    expect(opened()).toBe(1);
  });
});

describe('what the server reports wrongly', () => {
  it('opens no session for connections that never play, bad names and refused publishers', async () => {
    attach();
    const stream = newStream();
    await rtmp().publish(stream);
    await until('it is listed', () => live().length === 1);
    const bare = noted(new RtmpClient(server.rtmp));
    const second = await rtmp().publish(stream);
    const badName = await rtmp().play('no such/name');
    (await bare.shaken()).connect();
    await until('both are refused', () => second.ended && badName.ended);
    bare.drop();
    await until('they are forgotten', () => context.sessions.size === 1);
    expect(tracker.stats()).toMatchObject({ openedTotal: 1, closedTotal: 0 });
  });

  it('gives the second play on one connection a session of its own, and stops the media of the first', async () => {
    attach();
    const [first, second] = [newStream(), newStream()];
    await rtmp().publish(first);
    const player = await rtmp().play(first);
    await until('it plays', () => player.mediaBytes > 0);
    player.playAlso(second);
    await until('it is on the other stream', () => viewers()[0]?.stream === second);
    expect(closed()).toEqual([expect.objectContaining({ stream: first, closeReason: 'client_gone' })]);
    const then = player.mediaBytes;
    // what was on its way
    await stays('it gets no more of it', () => player.mediaBytes - then < 2_500, 200);
    expect(context.broadcasts.get(`/live/${first}`)?.subscribers.size).toBe(0);
  });

  it('frees the first stream when a publisher publishes another', async () => {
    attach();
    const [first, second] = [newStream(), newStream()];
    const publisher = await rtmp().publish(first);
    await until('it publishes', () => live().length === 1);
    publisher.publishAlso(second);
    await until('it is on the other stream', () => live()[0]?.stream === second);
    await rtmp().publish(first);
    await until('the first has a publisher again', () => live().length === 2);
  });

  it('closes a publisher when it leaves, not 30 s later', async () => {
    attach();
    const publisher = await rtmp().publish(newStream());
    await until('it is listed', () => live().length === 1);
    publisher.drop();
    await soon('it is closed', 1_000, () => live().length === 0);
    expect(closed()).toEqual([expect.objectContaining({ closeReason: 'client_gone', kind: 'input' })]);
  });

  it('answers HEAD with 405 and counts no player', async () => {
    attach({}, { guard: false });
    const path = `/live/${newStream()}.flv`;
    const status = await new Promise((resolve) => {
      request({ port: server.http, host: '127.0.0.1', method: 'HEAD', path }, (res) => resolve(res.statusCode)).end();
    });
    expect([status, opened()]).toEqual([405, 0]);
  });

  it('keeps players of a stream that is not published yet, and of one whose publisher has left', async () => {
    attach({ idleTimeoutMs: 1_100 }, { stallTimeoutMs: 1_100 });
    const stream = newStream();
    const player = await rtmp().play(stream);
    http(`/live/${stream}.flv`);
    const publisher = await rtmp().publish(stream);
    await until('it plays', () => player.mediaBytes > 0);
    publisher.drop();
    const since = Date.now();
    await until('a while has passed', () => Date.now() - since > 3_500);
    expect(viewers()).toHaveLength(2);
  });
});

describe('a player that does not read', () => {
  it('is cut as stalled, its buffer stays bounded, and the others play on', async () => {
    attach({}, { stallTimeoutMs: 1_000, maxBufferBytes: 300_000 });
    const stream = newStream();
    await rtmp().publish(stream, 'FMLE/3.0', 100_000);
    const stuck = [await rtmp().play(stream), http(`/live/${stream}.flv`)] as const;
    const other = await rtmp().play(stream, 'OTHER/1.0');
    await until('they play', () => stuck[0].mediaBytes > 0 && stuck[1].bytes > 0);
    stuck[0].socket.pause();
    stuck[1].pause();
    const sockets = [...context.sessions.values()].map(
      (session) => (session as any).socket ?? (session as any).req.socket,
    );
    let most = 0;
    const watch = setInterval(() => (most = Math.max(most, ...sockets.map((socket) => socket.writableLength))), 20);
    await until('both are cut', () => closed().length === 2);
    clearInterval(watch);
    expect(closed().map(({ closeReason }) => closeReason)).toEqual(['stalled', 'stalled']);
    expect(most).toBeGreaterThan(200_000);
    expect(most).toBeLessThan(2_500_000); // the bound, and what a newcomer gets at once
    const then = other.mediaBytes;
    await until('the other plays on', () => other.mediaBytes > then + 1_000_000);
  });

  it('misses some media if it is only slow, and continues with the next key frame', async () => {
    attach({}, { maxBufferBytes: 300_000 });
    const stream = newStream();
    await rtmp().publish(stream, 'FMLE/3.0', 100_000);
    const player = await rtmp().play(stream);
    await until('it plays', () => player.mediaBytes > 0);
    player.socket.pause();
    const [session] = [...context.sessions.values()].filter((each) => !(each as any).isPublisher) as any[];
    await until('its buffer is full', () => session.socket.writableLength > 300_000);
    player.socket.resume();
    await until('it has caught up', () => session.socket.writableLength === 0);
    const then = player.mediaBytes;
    await until('it plays on', () => player.mediaBytes > then + 500_000);
    expect(viewers()).toHaveLength(1);
  });
});

describe('detach', () => {
  it('leaves no listener behind, and everybody playing', async () => {
    attach();
    const emitter = context.eventEmitter;
    const stream = newStream();
    await rtmp().publish(stream);
    const player = await rtmp().play(stream);
    const page = http(`/live/${stream}.flv`);
    await until('both play', () => player.mediaBytes > 0 && page.bytes > 0);
    await attachment.detach();
    await attachment.detach();
    expect(closed().map(({ closeReason }) => closeReason)).toEqual(['shutdown', 'shutdown', 'shutdown']);
    const counts = ['postPlay', 'postPublish', 'prePublish'].map((name) => emitter.listenerCount(name));
    expect(counts).toEqual(countsBefore);
    const then = [player.mediaBytes, page.bytes] as const;
    await until('both play on', () => player.mediaBytes > then[0] + 3000 && page.bytes > then[1] + 3000);
    for (const session of context.sessions.values()) {
      const socket = (session as any).socket ?? (session as any).req.socket;
      expect(socket._destroy).toBe(Object.getPrototypeOf(socket)._destroy);
    }
  });

  let countsBefore: number[];
  beforeAll(() => {
    const emitter = context.eventEmitter;
    countsBefore = ['postPlay', 'postPublish', 'prePublish'].map((name) => emitter.listenerCount(name));
  });

  it('of one of two trackers does not disturb the other', async () => {
    attach();
    const other = createTracker({ logger });
    const second = attachRtmp(server.nms, other);
    const stream = newStream();
    await rtmp().publish(stream);
    const player = await rtmp().play(stream);
    await until('both trackers list it', () => viewers().length === 1 && other.count({ kind: 'viewer' }) === 1);
    await second.detach();
    expect(viewers()).toHaveLength(1);
    tracker.kick(viewers()[0]!.id);
    await until('the player is cut', () => player.ended);
    expect(other.list({ kind: 'viewer' })).toEqual([expect.objectContaining({ closeReason: 'shutdown' })]);
    await other.stop();
  });

  it('while a verdict is pending lets the player play', async () => {
    attach({ policies: [about('viewer', () => new Promise(silent))] });
    const stream = newStream();
    await rtmp().publish(stream);
    await until('the publisher is listed', () => opened() === 1);
    const player = await rtmp().play(stream);
    await until('it has asked', () => context.broadcasts.get(`/live/${stream}`)?.subscribers.size === 1);
    await attachment.detach();
    await until('it plays', () => player.mediaBytes > 0);
    expect(opened()).toBe(1);
  });
});

it('with two trackers, media flows when both have approved', async () => {
  const answers: ((verdict: Verdict) => void)[] = [];
  const policies = [about('viewer', () => new Promise<Verdict>((resolve) => answers.push(resolve)))];
  attach({ policies });
  const other = createTracker({ logger, policies });
  const second = attachRtmp(server.nms, other);
  const stream = newStream();
  await rtmp().publish(stream);
  const player = await rtmp().play(stream);
  await until('both have been asked', () => answers.length === 2);
  answers[0]!({ allow: true });
  await until('one has let it in', () => viewers().length === 1);
  await stays('it has no media', () => player.mediaBytes === 0, 150);
  answers[1]!({ allow: true });
  await until('it plays', () => player.mediaBytes > 0);
  await second.detach();
  await other.stop();
});

it('attachRtmp rejects anything but a server and a tracker, and unknown options', () => {
  expect(() => attachRtmp(server.nms, undefined as never)).toThrow(/second argument must be a tracker/);
  attach();
  expect(() => attachRtmp({} as never, tracker)).toThrow(expect.objectContaining({ code: 'ERR_BAD_SERVER' }));
  expect(() => attachRtmp(server.nms, tracker, { stallTimeout: 1 } as never)).toThrow(/Did you mean "stallTimeoutMs"/);
  expect(() => attachRtmp(server.nms, tracker, { maxBufferBytes: 5 })).toThrow(/at least 65536/);
});
