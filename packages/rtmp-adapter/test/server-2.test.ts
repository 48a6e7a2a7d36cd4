import context from 'node-media-server-2/src/node_core_ctx.js';
import {
  createTracker,
  type Policy,
  type SessionTracker,
  type TrackerOptions,
  type Verdict,
} from '@stream-sessions/core';
import { attachRtmp, type Attachment, type RtmpOptions } from '../src/index.js';
import { socketOf } from '../src/v2/client.js';
import type { V2Session } from '../src/v2/shapes.js';
import { HttpFlvClient, WsFlvClient } from './support/flv-clients.js';
import { RtmpClient } from './support/rtmp-client.js';
import { startServer2, type Server2 } from './support/server-2.js';
import { soon, until } from '../../../test/support/until.js';

const { nodeEvent } = context;

let server: Server2;
let tracker: SessionTracker;
let attachment: Attachment;
let clients: { drop(): void }[];
const handlersBefore = ['SIGINT', 'SIGTERM', 'uncaughtException'].map((event) => process.listenerCount(event));

beforeAll(async () => (server = await startServer2(undefined, { auth: { play: false, publish: false } })));
afterAll(() => server.stop());
afterEach(async () => {
  clients.forEach((client) => client.drop());
  await until('all are closed', () => tracker.count({ status: 'active' }) === 0);
  await attachment.detach();
  await tracker.stop();
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
/** It reads the headers of H.264, and the test's are none. */
const publish = (name: string, bytes = 1000) => rtmp().publish(name, 'FMLE/3.0', bytes, 2);
const viewers = () => tracker.list({ status: 'active', kind: 'viewer' });
let streams = 0;
const newStream = () => `s${++streams}`;

const about = (kind: string, verdict: () => Verdict | Promise<Verdict>): Policy => ({
  name: 'test',
  admit: (candidate) => ((candidate.kind ?? 'viewer') === kind ? verdict() : { allow: true }),
});
const NO: Verdict = { allow: false, reason: 'unauthorized', kind: 'credentials', detail: 'no such token' };

it('version 2 runs without the handlers that it would install for the whole process', () => {
  attach();
  const handlers = ['SIGINT', 'SIGTERM', 'uncaughtException'].map((event) => process.listenerCount(event));
  expect(handlers).toEqual(handlersBefore);
});

it('players of RTMPS are shown, refused and cut, as secure', async () => {
  attach({ policies: [about('viewer', () => allowed)] });
  let allowed: Verdict = { allow: true };
  const stream = newStream();
  await publish(stream);
  const play = () => noted(new RtmpClient(server.rtmps, true)).play(stream);
  const player = await play();
  await until('it plays and is counted', () => player.mediaBytes > 0 && (viewers()[0]?.bytes ?? 0) > 1000);
  expect(viewers()).toEqual([expect.objectContaining({ stream, protocol: 'rtmp', ip: '127.0.0.1', secure: true })]);
  tracker.kick(viewers()[0]!.id);
  await until('it is cut', () => player.ended);
  tracker.denials().forEach(({ id }) => tracker.liftDenial(id));
  allowed = NO;
  const refused = await play();
  await until('it is refused', () => refused.ended);
  expect(refused.statuses.at(-1)).toMatchObject({ code: 'NetStream.Play.Failed' });
  expect(refused.mediaBytes).toBe(0);
});

it('detaching leaves no listener behind, and everybody playing', async () => {
  const counts = () => nodeEvent.eventNames().map((event) => [event, nodeEvent.listenerCount(event)] as const);
  const before = counts();
  attach();
  const stream = newStream();
  await publish(stream);
  const players = [await rtmp().play(stream), http(`/live/${stream}.flv`), ws(`/live/${stream}.flv`)] as const;
  const received = () => [players[0].mediaBytes, players[1].bytes, players[2].bytes] as const;
  await until('all play', () => received().every((bytes) => bytes > 0));
  await attachment.detach();
  expect(counts()).toEqual(before);
  expect(tracker.list().map(({ closeReason }) => closeReason)).toEqual(Array(4).fill('shutdown'));
  const then = received();
  await until('all play on', () => received().every((bytes, i) => bytes > then[i]! + 3000));
});

it('the details of a player are the same as from version 4', async () => {
  attach();
  const stream = newStream();
  await rtmp().play(`${stream}?token=abc`, 'LNX 9,0,124,2');
  http(`/live/${stream}.flv?token=def`, { 'user-agent': 'MyUA/1.0' });
  ws(`/live/${stream}.flv`);
  await until('all are listed', () => viewers().length === 3);
  expect(tracker.list({ protocol: 'rtmp' })[0]).toMatchObject({
    stream,
    ip: '127.0.0.1',
    userAgent: 'LNX 9,0,124,2',
    namedBy: 'token',
  });
  expect(tracker.list({ protocol: 'http-flv' })[0]).toMatchObject({ stream, userAgent: 'MyUA/1.0', namedBy: 'token' });
  expect(tracker.list({ protocol: 'ws-flv' })[0]).toMatchObject({ stream, namedBy: 'fingerprint' });
});

it('a refusal has the form of each protocol, and no media is sent', async () => {
  attach({ policies: [about('viewer', async () => NO)] });
  const stream = newStream();
  await publish(stream);
  const players = [await rtmp().play(stream), http(`/live/${stream}.flv`), ws(`/live/${stream}.flv`)] as const;
  await until('all are let go', () => players.every(({ ended }) => ended));
  expect(players[0].statuses.at(-1)).toMatchObject({
    code: 'NetStream.Play.Failed',
    description: '401 unauthorized: no such token',
  });
  expect([players[1].status, players[2].code]).toEqual([401, 4401]);
  expect([players[0].mediaBytes, players[2].bytes]).toEqual([0, 0]);
});

it('a kick sends Play.Stop over RTMP and 4000 over WebSocket, and cuts HTTP', async () => {
  attach();
  const stream = newStream();
  await publish(stream);
  const players = [await rtmp().play(stream), http(`/live/${stream}.flv`), ws(`/live/${stream}.flv`)] as const;
  await until('all play', () => players[0].mediaBytes > 0 && players[1].bytes > 0 && players[2].bytes > 0);
  expect(tracker.kickAll({ kind: 'viewer' })).toBe(3);
  await soon('all are gone', 1_000, () => players.every(({ ended }) => ended));
  expect(players[0].statuses.at(-1)).toMatchObject({ code: 'NetStream.Play.Stop', description: 'kicked' });
  expect([players[2].code, players[2].reason]).toEqual([4000, 'kicked']);
});

it('a refused publisher reaches nobody, and the next one is admitted', async () => {
  let verdict: Verdict = NO;
  attach({ policies: [about('input', async () => verdict)] });
  const stream = newStream();
  const player = await rtmp().play(stream);
  const denied = await publish(stream);
  await until('it is let go', () => denied.ended);
  expect([denied.statuses.at(-1)?.code, player.mediaBytes]).toEqual(['NetStream.Publish.Denied', 0]);
  verdict = { allow: true };
  await publish(stream);
  await until('the player gets media', () => player.mediaBytes > 0);
});

it('the session of a player that waits for a stream closes, though the server reports no end', async () => {
  attach();
  const player = await rtmp().play(newStream());
  await until('it is listed', () => viewers().length === 1);
  player.drop();
  await until('it is closed', () => viewers().length === 0);
  expect(tracker.list()).toEqual([expect.objectContaining({ closeReason: 'client_gone' })]);
});

it('a client that plays twice on one connection is cut, and the publisher survives', async () => {
  attach();
  const [first, second] = [newStream(), newStream()];
  const publisher = await publish(first);
  const player = await rtmp().play(first);
  const neighbour = await rtmp().play(first, 'OTHER/1.0');
  await until('both play', () => player.mediaBytes > 0 && neighbour.mediaBytes > 0);
  player.playAlso(second);
  await until('it is cut', () => player.ended);
  const then = neighbour.mediaBytes;
  await until('the neighbour plays on', () => neighbour.mediaBytes > then);
  expect([publisher.ended, viewers().length]).toEqual([false, 1]);
});

it('a second publisher of a stream opens no session', async () => {
  attach();
  const stream = newStream();
  await publish(stream);
  await until('it is listed', () => tracker.count({ kind: 'input' }) === 1);
  const second = await publish(stream);
  await until('it is refused', () => second.ended);
  expect(tracker.stats().openedTotal).toBe(1);
});

it('players that do not read are cut as stalled, with bounded buffers, and the others play on', async () => {
  attach({}, { stallTimeoutMs: 1_000, maxBufferBytes: 300_000 });
  const stream = newStream();
  await publish(stream, 100_000);
  const stuck = [await rtmp().play(stream), http(`/live/${stream}.flv`), ws(`/live/${stream}.flv`)] as const;
  const other = await rtmp().play(stream, 'OTHER/1.0');
  await until('they play', () => stuck[0].mediaBytes > 0 && stuck[1].bytes > 0 && stuck[2].bytes > 0);
  stuck[0].socket.pause();
  stuck[1].pause();
  stuck[2].ws.pause();
  const sockets = ([...context.sessions.values()] as V2Session[]).map(socketOf);
  const most = sockets.map(() => 0);
  const watch = setInterval(() => {
    sockets.forEach((socket, i) => (most[i] = Math.max(most[i]!, socket.writableLength)));
  }, 20);
  await until('they are cut', () => tracker.list({ reason: 'stalled' }).length === 3);
  clearInterval(watch);
  const full = most.filter((bytes) => bytes > 200_000);
  expect(full.length).toBeGreaterThanOrEqual(3);
  expect(Math.max(...full)).toBeLessThan(2_500_000); // the bound, and what a newcomer gets at once
  const then = other.mediaBytes;
  await until('the other plays on', () => other.mediaBytes > then + 1_000_000);
});

it('with two trackers, players over every protocol need the approval of both, and each can cut them', async () => {
  let verdict: Verdict = { allow: true };
  attach();
  const other = createTracker({ logger, policies: [about('viewer', () => verdict)] });
  const second = attachRtmp(server.nms, other);
  const stream = newStream();
  await publish(stream);
  const play = async () => [await rtmp().play(stream), http(`/live/${stream}.flv`), ws(`/live/${stream}.flv`)] as const;
  const [overRtmp, overHttp, overWs] = await play();
  await until('all play', () => overRtmp.mediaBytes > 0 && overHttp.bytes > 0 && overWs.bytes > 0);
  expect([viewers().length, other.count({ kind: 'viewer', status: 'active' })]).toEqual([3, 3]);
  tracker.kick(viewers().find(({ protocol }) => protocol === 'ws-flv')!.id, { denyForMs: 0 });
  other.kick(other.list({ status: 'active', protocol: 'http-flv' })[0]!.id, { denyForMs: 0 });
  await until('they are cut', () => overHttp.ended && overWs.ended);
  expect([overWs.code, overWs.reason, overRtmp.ended]).toEqual([4000, 'kicked', false]);
  verdict = NO;
  const [refused, refusedHttp, refusedWs] = await play();
  await until('they are refused', () => [refused, refusedHttp, refusedWs].every(({ ended }) => ended));
  expect([refusedHttp.status, refusedWs.code]).toEqual([401, 4401]);
  await until('nobody else is left', () => viewers().length === 1);
  await second.detach();
  await other.stop();
});

it('the server stops with players over HTTP and WebSocket, and the process survives', async () => {
  [clients, tracker] = [[], createTracker({ logger })];
  const other = await startServer2((nms) => (attachment = attachRtmp(nms, tracker)));
  const players = [
    new HttpFlvClient(other.http, `/live/${newStream()}.flv`),
    new WsFlvClient(other.http, `/live/${newStream()}.flv`),
  ];
  await until('both are listed', () => viewers().length === 2);
  await other.stop();
  await until('both are let go', () => players.every(({ ended }) => ended));
});
