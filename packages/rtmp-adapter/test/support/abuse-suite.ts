import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { createTracker, type SessionTracker, type Verdict } from '@stream-sessions/core';
import { heldBytes } from '@stream-sessions/core/testing';
import { attachRtmp, guardNodeMediaServer, type Attachment, type NodeMediaServer } from '../../src/index.js';
import { encode, type Amf } from './amf.js';
import { HttpFlvClient, WsFlvClient } from './flv-clients.js';
import { command, message, onStream, RtmpClient } from './rtmp-client.js';
import { pace, soon, stays, until } from '../../../../test/support/until.js';

/** A server with the adapter attached to it. */
interface AbusedServer {
  readonly rtmp: number;
  readonly http: number;
  stop(): Promise<void>;
}

/** What differs between the versions. */
export interface Abused {
  start(before: (nms: NodeMediaServer) => void): Promise<AbusedServer>;
  /** Everything that the server remembers as connected. */
  readonly sessions: ReadonlyMap<string, unknown>;
  /** A video codec that it takes from the test's publishers, whose headers are none. */
  readonly codec: number;
  /** More paths that are none of a stream. */
  readonly noStreams?: string[];
  /** Connections that say nothing. */
  readonly silent: number;
}

/** What strangers may send: the process lives, honest clients play on, and nobody is listed who does not play. */
export function abuseSuite({ start, sessions, codec, silent: silentOnes, noStreams = [] }: Abused): void {
  let server: AbusedServer;
  let tracker: SessionTracker;
  let attachment: Attachment;
  let unguard: () => void;
  let honest: RtmpClient[];
  let opened: number;
  const died: unknown[] = [];

  const sockets = new Set<Socket>();

  /** Says this and nothing more. */
  async function raw(port: number, ...parts: (Buffer | string)[]): Promise<Socket> {
    const socket = connect(port, '127.0.0.1');
    sockets.add(socket);
    socket.on('error', () => undefined);
    socket.on('close', () => sockets.delete(socket));
    socket.resume();
    await once(socket, 'connect');
    for (const part of parts) socket.write(part);
    return socket;
  }

  const handshake = Buffer.concat([Buffer.from([3]), Buffer.alloc(3072)]);
  const rtmp = (...parts: Buffer[]) => raw(server.rtmp, Buffer.concat([handshake, ...parts]));
  const get = (path: string, method = 'GET') => raw(server.http, `${method} ${path} HTTP/1.1\r\nHost: x\r\n\r\n`);
  const upgrade = (path: string) =>
    raw(
      server.http,
      `GET ${path} HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n` +
        'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n',
    );
  // often, for version 2 sends ten at a time
  const publish = (stream: string) => new RtmpClient(server.rtmp).publish(stream, undefined, 1000, codec, 5);
  const ended = (socket: Socket) => until('the server has hung up', () => socket.closed || socket.readableEnded);

  beforeAll(async () => {
    tracker = createTracker();
    process.on('uncaughtException', (error) => died.push(error));
    server = await start((nms) => {
      unguard = guardNodeMediaServer(nms, { startTimeoutMs: 1_000 });
      attachment = attachRtmp(nms, tracker);
    });
    honest = [await publish('cam1'), await new RtmpClient(server.rtmp).play('cam1')];
    await until('the honest one plays', () => honest[1]!.mediaBytes > 0);
    opened = tracker.stats().openedTotal;
  });

  afterEach(async () => {
    sockets.forEach((socket) => socket.destroy());
    await soon('strangers are forgotten', 3_000, () => sessions.size === 2);
    const then = honest[1]!.mediaBytes;
    await until('the honest one plays on', () => honest[1]!.mediaBytes > then);
    expect(died).toEqual([]);
    expect(tracker.count({ status: 'active' })).toBe(2);
  });

  afterAll(async () => {
    honest.forEach((client) => client.drop());
    await attachment.detach();
    unguard();
    await tracker.stop();
    await server.stop();
  });

  const connectTo = (tcUrl?: Amf): Buffer =>
    command('connect', 1, { app: 'live', ...(tcUrl !== undefined && { tcUrl }) });

  const play = (...name: Amf[]): Buffer[] => [
    connectTo('rtmp://x/live'),
    message(20, Buffer.concat(['play', 2, null, ...name].map(encode)), 1),
  ];

  describe('a client that is not judged yet', () => {
    let isAsked: boolean;
    const unanswered: ((verdict: Verdict) => void)[] = [];
    const think = () => {
      isAsked = true;
      return new Promise<Verdict>((resolve) => unanswered.push(resolve));
    };
    const undecided = () =>
      tracker.updateConfig({ policies: [{ name: 'slow', admit: think }], policyTimeoutMs: 60_000 });
    const client = () => new RtmpClient(server.rtmp);
    const asked = () => until('the policy is asked', () => isAsked);
    beforeEach(() => void (isAsked = false));
    afterEach(() => {
      for (const answer of unanswered.splice(0)) answer({ allow: false, reason: 'the test is over' });
      tracker.updateConfig({ policies: [] });
      opened = tracker.stats().openedTotal;
    });

    it.each<[string, (player: RtmpClient) => void]>([
      ['asks to play once more', (player) => player.playAlso('cam1')],
      ['deletes its stream', (player) => player.say(command('deleteStream', 5, null, 1))],
      ['publishes as well', (player) => player.publishAlso('another')],
    ])('gets no media, also if it %s', async (_what, act) => {
      undecided();
      const player = await client().play('cam1');
      await asked();
      act(player);
      await stays('it gets nothing', () => player.mediaBytes === 0, 300);
      player.drop();
    });

    it.each<[string, Buffer[]]>([
      ['plays and publishes', [onStream('play', 3, null, 'cam1'), onStream('publish', 4, null, 'another', 'live')]],
      ['publishes twice', [onStream('publish', 3, null, 'one', 'live'), onStream('publish', 4, null, 'cam1', 'live')]],
    ])('is not overlooked if it %s in one breath', async (_what, commands) => {
      undecided();
      const both = await client().shaken();
      both.connect();
      both.say(Buffer.concat(commands));
      await stays('it gets nothing', () => both.mediaBytes === 0, 300);
      both.drop();
      tracker.updateConfig({ policies: [] });
      const player = await client().play('cam1');
      await until('the honest one is found', () => player.mediaBytes > 0);
      player.drop();
    });

    it('gives nobody media, also if it leaves', async () => {
      const viewer = await client().play('later');
      await until('it is listed', () => tracker.count({ stream: 'later', status: 'active' }) === 1);
      undecided();
      const publisher = await publish('later');
      await asked();
      await stays('nothing is passed on', () => viewer.mediaBytes === 0, 200);
      publisher.drop();
      await stays('nothing is passed on', () => viewer.mediaBytes === 0, 200);
      viewer.drop();
    });

    it('may have sent what kills a bare server, and leave', async () => {
      undecided();
      const publisher = await publish('another');
      await asked();
      const cutOff = Buffer.concat([encode('@setDataFrame'), encode('onMetaData'), Buffer.from([0])]);
      publisher.say(message(18, cutOff, 1, 4));
      await stays('it lives', () => died.length === 0, 100);
      publisher.drop();
    });
  });

  describe('RTMP packets that kill a bare server end their connection only:', () => {
    const packets: [string, () => Buffer[]][] = [
      ['a connect without tcUrl', () => [connectTo()]],
      ['a connect whose tcUrl is nonsense', () => [connectTo('nonsense')]],
      ['a connect whose tcUrl is a number', () => [connectTo(7)]],
      ['a play without a name', () => play()],
      ['a play whose name is a number', () => play(42)],
      ['a command that is no AMF', () => [message(20, Buffer.from([2, 255, 255, 1]))]],
      ['objects in objects, without end', () => [message(20, Buffer.from('03000161'.repeat(9_000), 'hex'))]],
      ['a chunk size of 0', () => [message(1, Buffer.alloc(4))]],
      ['a chunk size that is cut off', () => [message(1, Buffer.alloc(1))]],
      ['a message of 16 MB', () => [message(9, Buffer.alloc(0)).fill(255, 4, 7)]],
      [
        'a message whose length changes in the middle',
        () => [message(9, Buffer.alloc(500)).subarray(0, 140), message(9, Buffer.alloc(1))],
      ],
      [
        'a hundred chunk streams',
        () => Array.from({ length: 100 }, (_, i) => Buffer.concat([Buffer.from([0, i]), Buffer.alloc(11)])),
      ],
    ];
    it.each(packets)('%s', async (_name, parts) => {
      await ended(await rtmp(...parts()));
      expect(tracker.stats().openedTotal).toBe(opened);
    });

    it('media without a publish, and a publisher whose metadata is garbage', async () => {
      await rtmp(
        connectTo('rtmp://x/live'),
        message(9, Buffer.from([0x17, 0, 0, 0, 0])),
        message(18, Buffer.from('?????')),
      );
      const publisher = await publish('garbage');
      await until('it publishes', () => tracker.count({ stream: 'garbage', status: 'active' }) === 1);
      publisher.say(message(18, Buffer.from([2, 255, 255]), 1));
      await pace(50); // borne, or cut
      publisher.drop();
      await until('it is gone', () => tracker.count({ status: 'active' }) === 2);
      opened++;
    });
  });

  it('survives garbage, and cuts at once anything that does not begin like RTMP', async () => {
    let seed = 7;
    const random = () => (seed = (Math.imul(seed, 1_103_515_245) + 12_345) >>> 0) >>> 24;
    for (let i = 0; i < 200; i++) {
      const junk = Buffer.from(Array.from({ length: 1 + random() * 8 }, random));
      await (i % 2 ? rtmp(junk) : raw(server.rtmp, junk));
    }
    await ended(await raw(server.rtmp, 'GET / HTTP/1.1\r\n\r\n'));
    expect(tracker.stats().openedTotal).toBe(opened);
  });

  it('survives commands with single wrong bytes', async () => {
    const good = Buffer.concat([...play('cam1?token=abc')]);
    for (let at = 12; at < good.length; at += 2) {
      const bad = Buffer.from(good);
      bad[at] = (bad[at] as number) ^ 0x55;
      await rtmp(bad);
    }
    await pace(100);
    sockets.forEach((socket) => socket.destroy());
    await until('they are gone', () => sessions.size === 2 && tracker.count({ status: 'active' }) === 2);
    // some of them were good enough to play: they are real players
    opened = tracker.stats().openedTotal;
  });

  it('hangs up on clients that send nothing, or half a handshake byte by byte', async () => {
    const slow = [
      await raw(server.rtmp),
      await raw(server.rtmp, handshake.subarray(0, 700)),
      await rtmp(connectTo('rtmp://x/live')),
    ];
    const dripping = await raw(server.rtmp, Buffer.from([3]));
    const drip = setInterval(() => dripping.write(Buffer.alloc(1)), 50);
    await Promise.all([...slow, dripping].map(ended));
    clearInterval(drip);
    expect(tracker.stats().openedTotal).toBe(opened);
  });

  describe('over HTTP and WebSocket', () => {
    const paths = [
      '/live/a%20b.flv',
      '/live/%zz.flv',
      '/live/..%2fb.flv',
      '/live/a%00.flv',
      '/li ve/a.flv',
      '/live/ü.flv',
      '/live/a%20b.flv/',
      '/live/a%20b.FLV',
      'http://x/live/a%20b.flv',
      '/live\\a%20b.flv#',
      '/live/a%20b.flv#',
      '//live/a b.flv',
      '/',
      ...noStreams,
    ];
    it.each(paths)('%s opens no session', async (path) => {
      await Promise.all([get(path), get(path, 'POST'), get(path, 'HEAD'), upgrade(path)]);
      await pace(30);
      expect(tracker.stats().openedTotal).toBe(opened);
    });

    it('refuses methods that no player uses', async () => {
      for (const method of ['HEAD', 'PUT', 'DELETE', 'PATCH']) {
        const socket = await get('/live/cam1.flv', method);
        const [data] = (await once(socket, 'data')) as [Buffer];
        expect(data.toString()).toMatch(/^HTTP\/1.1 405 /);
      }
      expect(tracker.stats().openedTotal).toBe(opened);
    });

    it('cuts a client that sends a second play on the same connection', async () => {
      const one = 'GET /live/cam1.flv HTTP/1.1\r\nHost: x\r\n\r\n';
      await ended(await raw(server.http, one + one));
      opened = tracker.stats().openedTotal;
    });

    it('survives posted data that is not media', async () => {
      const post = 'POST /live/posted.flv HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n';
      const flv = Buffer.from('464c5601050000000900000000', 'hex');
      const metadata = Buffer.from('120000030000000000000002ffff00000000', 'hex');
      await raw(server.http, post, flv, metadata, Buffer.alloc(100));
      await raw(server.http, post, Buffer.alloc(5000, 255));
      await pace(50);
      sockets.forEach((socket) => socket.destroy());
      await until('they are gone', () => sessions.size === 2 && tracker.count({ status: 'active' }) === 2);
      opened = tracker.stats().openedTotal;
    });

    it('refuses fields that are too long', async () => {
      await ended(await get(`/live/cam1.flv?token=${'x'.repeat(20_000)}`));
      const long = new HttpFlvClient(server.http, `/live/cam1.flv?token=${'x'.repeat(5_000)}`);
      await until('it is answered', () => long.ended);
      const overWs = new WsFlvClient(server.http, `/live/cam1.flv?token=${'x'.repeat(5_000)}`);
      await until('it is closed', () => overWs.ended);
      const name = await new RtmpClient(server.rtmp).play('x'.repeat(1_000));
      await until('it is refused', () => name.ended);
      expect([long.received(), overWs.bytes, name.mediaBytes]).toEqual([0, 0, 0]);
      expect(tracker.stats().openedTotal).toBe(opened);
    });
  });

  it('holds thousands of silent connections, and then releases them', async () => {
    const before = heldBytes();
    const silent: Socket[] = [];
    // both ends are in this process, which may have 20,000 files open: those that were hung up on make room
    for (let i = 0; i < silentOnes; i += 250) {
      silent.push(...(await Promise.all(Array.from({ length: 250 }, () => raw(server.rtmp)))));
      // not the resident size, which depends on what ran in this process before
      if (i % 1_000 === 0) expect(heldBytes() - before).toBeLessThan(50 * 1024 * 1024);
    }
    await until('all were hung up on', () => silent.every((socket) => socket.destroyed || socket.readableEnded));
    expect(tracker.stats().openedTotal).toBe(opened);
  }, 60_000);
}
