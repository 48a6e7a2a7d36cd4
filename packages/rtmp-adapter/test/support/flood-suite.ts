import { createTracker, type SessionTracker } from '@stream-sessions/core';
import { attachRtmp, type Attachment, type NodeMediaServer } from '../../src/index.js';
import { chunkHead } from './chunks.js';
import { flood, type Flood, type Flooded } from './flood.js';
import { command, HANDSHAKE, message, onStream, RtmpClient } from './rtmp-client.js';
import { until } from '../../../../test/support/until.js';

const MIB = 1024 * 1024;

interface FloodedServer {
  readonly rtmp: number;
  readonly http: number;
  stop(): Promise<void>;
}

export interface Floodable {
  start(before: (nms: NodeMediaServer) => void): Promise<FloodedServer>;
  /** Everything that the server remembers as connected. */
  readonly sessions: ReadonlyMap<string, unknown>;
  /** It takes publishers over HTTP and WebSocket. */
  readonly takesFlv: boolean;
}

const CONNECT = command('connect', 1, { app: 'live', tcUrl: 'rtmp://x/live' });
const play = (name: string): Buffer => Buffer.concat([HANDSHAKE, CONNECT, onStream('play', 3, null, name)]);
const publish = (name: string): Buffer =>
  Buffer.concat([HANDSHAKE, CONNECT, onStream('publish', 3, null, name, 'live')]);

/** Of many messages, each as long as can be, one chunk after the other. */
function interleaved(streams: number[], chunkBytes = 128): Buffer {
  return Buffer.concat(streams.flatMap((id) => [Buffer.from([0xc0 | id]), Buffer.alloc(chunkBytes)]));
}

const STREAMS = Array.from({ length: 50 }, (_, i) => 8 + i);
const LONGEST = 0xffffff;

/** A size of chunks that the server does not hear of: it comes at a time that it cannot count. */
const unheardChunkSize = Buffer.concat([
  chunkHead(3, 3, 4, 0xffffffff),
  Buffer.alloc(4),
  Buffer.from([0x43, 0, 0, 1, 0, 0, 4, 1]), // a millisecond later
  Buffer.from([0, 0xff, 0xff, 0xff]),
]);

/** What looks like one message in one chunk to who believes in that size, and is fifty long ones to the server. */
const hidden = Array.from({ length: 1000 }, (_, i) => (i === 0 ? 5 : STREAMS[i % STREAMS.length]!));
const hiding = Buffer.concat([
  chunkHead(5, 3, hidden.length * 129 - 1),
  Buffer.alloc(128),
  ...STREAMS.flatMap((id) => [chunkHead(id, 3, LONGEST), Buffer.alloc(128)]),
  interleaved(hidden.slice(0, hidden.length - 1 - STREAMS.length)).subarray(STREAMS.length * 11),
]);

/** A WebSocket that begins a message of so many bytes. */
function webSocket(path: string, length: number, protocol = ''): Buffer {
  const frame = Buffer.alloc(14);
  frame[0] = 0x82;
  frame[1] = 0xff;
  frame.writeBigUInt64BE(BigInt(length), 2);
  const head =
    `GET ${path} HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n` +
    `Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n${protocol}\r\n`;
  return Buffer.concat([Buffer.from(head), frame]);
}

const http = (head: string): Buffer => Buffer.from(`${head} HTTP/1.1\r\nHost: x\r\n`);
const longBody = Buffer.from('Content-Length: 4000000000\r\n\r\n');
/** FLV, and a tag as long as can be. */
const longTag = Buffer.from('464c56010500000009000000000fffffff0000000000000000', 'hex').subarray(0, 24);

export function floodSuite(name: string, { start, sessions, takesFlv }: Floodable): void {
  describe(name, () => {
    let server: FloodedServer;
    let tracker: SessionTracker;
    let attachment: Attachment;
    let honest: RtmpClient[];

    beforeAll(async () => {
      tracker = createTracker();
      server = await start((nms) => (attachment = attachRtmp(nms, tracker)));
      honest = [await new RtmpClient(server.rtmp).publish('cam1', undefined, 1000, 2, 5)];
      honest.push(await new RtmpClient(server.rtmp).play('cam1'));
      await until('the honest one plays', () => honest[1]!.mediaBytes > 0);
    });
    afterEach(async () => {
      await until('strangers are forgotten', () => sessions.size === 2);
      const then = honest[1]!.mediaBytes;
      await until('the honest one plays on', () => honest[1]!.mediaBytes > then);
    });
    afterAll(async () => {
      honest.forEach((client) => client.drop());
      await attachment.detach();
      await tracker.stop();
      await server.stop();
    });

    const overRtmp = (head: Buffer, body: Buffer, more: Partial<Flood> = {}): Promise<Flooded> =>
      flood({ port: server.rtmp, connections: 1, head, body, bytes: 400 * MIB, ...more });
    const overHttp = (head: Buffer, more: Partial<Flood> = {}): Promise<Flooded> =>
      flood({ port: server.http, connections: 20, head, body: Buffer.alloc(65_536), bytes: 94 * MIB, ...more });

    it.each<[string, Buffer, Buffer]>([
      ['that hides messages in another', Buffer.concat([unheardChunkSize, hiding]), interleaved(hidden)],
      ['that acknowledges without end', CONNECT, Buffer.concat(Array(1000).fill(message(3, Buffer.alloc(4))))],
      ['that sends media', CONNECT, Buffer.concat(Array(1000).fill(message(9, Buffer.from([0x27]))))],
      ['that creates streams without end', CONNECT, Buffer.concat(Array(1000).fill(command('createStream', 2, null)))],
    ])('a stranger over RTMP %s is cut, and costs next to nothing', async (_what, head, body) => {
      const flooded = await overRtmp(Buffer.concat([HANDSHAKE, head]), body);
      expect(flooded).toMatchObject({ cut: 1 });
      expect(flooded.grown).toBeLessThan(32 * MIB);
    });

    it.each<[string, Buffer, Buffer]>([
      ['a long message', chunkHead(9, 3, LONGEST), interleaved([9])],
      ['many messages at once', Buffer.concat(STREAMS.map((id) => chunkHead(id, 3, 1000))), interleaved(STREAMS)],
      ['acknowledgements without end', Buffer.alloc(0), Buffer.concat(Array(1000).fill(message(3, Buffer.alloc(4))))],
      ['media', Buffer.alloc(0), Buffer.concat(Array(1000).fill(message(9, Buffer.from([0x27]), 1, 6)))],
    ])('a player over RTMP that sends %s is cut', async (_what, head, body) => {
      const flooded = await overRtmp(Buffer.concat([play('cam1'), head]), body, { connections: 20, bytes: 20 * MIB });
      expect(flooded).toMatchObject({ cut: 20 });
      expect(flooded.grown).toBeLessThan(64 * MIB);
    });

    it.each<[string, Buffer, Buffer]>([
      ['many long messages', Buffer.concat(STREAMS.map((id) => chunkHead(id, 9, 8 * MIB))), interleaved(STREAMS)],
      ['a long message that is not media', chunkHead(9, 18, 8 * MIB), interleaved([9])],
      [
        'commands whose answers it does not read',
        Buffer.alloc(0),
        Buffer.concat(Array(1000).fill(command('createStream', 2, null))),
      ],
    ])('a publisher over RTMP that sends %s is cut', async (what, head, body) => {
      const isDeaf = what.includes('does not read');
      const flooded = await overRtmp(Buffer.concat([publish('cam2'), head]), body, { isDeaf });
      expect(flooded).toMatchObject({ cut: 1 });
      expect(flooded.grown).toBeLessThan(64 * MIB);
    });

    it.each<[string, number, number]>([
      ['small', 10, 12],
      ['large', 60_000, 120],
    ])('a publisher of %s pictures without a key frame does not fill the memory', async (_what, bytes, megabytes) => {
      const picture = (first: number): Buffer => message(9, Buffer.concat([Buffer.from([first]), Buffer.alloc(bytes)]));
      const body = Buffer.concat(Array(Math.ceil(100_000 / bytes)).fill(picture(0x22)));
      const head = Buffer.concat([publish('cam3'), picture(0x12)]);
      const flooded = await overRtmp(head, body, { bytes: megabytes * MIB });
      expect(flooded.grown).toBeLessThan(150 * MIB);
    });

    it.each<[string, () => Buffer]>([
      ['HTTP-FLV', () => Buffer.concat([http('GET /live/cam1.flv'), longBody])],
      ['HTTP-FLV, in FLV', () => Buffer.concat([http('GET /live/cam1.flv'), longBody, longTag])],
      ['WS-FLV', () => webSocket('/live/cam1.flv', 94 * MIB)],
    ])('players over %s that send data are cut', async (_what, head) => {
      const flooded = await overHttp(head());
      expect(flooded).toMatchObject({ cut: 20 });
      expect(flooded.grown).toBeLessThan(64 * MIB);
    });

    it('requests sent behind a running play end it', async () => {
      const request = Buffer.from(`GET /${'x'.repeat(4_000)} HTTP/1.1\r\nHost: x\r\n\r\n`);
      const body = Buffer.concat(Array(16).fill(request));
      const flooded = await overHttp(Buffer.concat([http('GET /live/cam1.flv'), Buffer.from('\r\n')]), { body });
      expect(flooded).toMatchObject({ cut: 20 });
      expect(flooded.grown).toBeLessThan(64 * MIB);
    });

    if (!takesFlv) return;

    it.each<[string, (i: string) => Buffer]>([
      ['HTTP', (stream) => Buffer.concat([http(`POST /live/${stream}.flv`), longBody, longTag])],
      ['WebSocket', (stream) => webSocket(`/live/${stream}.flv`, 94 * MIB, 'Sec-WebSocket-Protocol: publisher\r\n')],
    ])('a publisher over %s that sends anything but media is cut', async (what, head) => {
      const flooded = await overHttp(head(`parked-${what}`), { connections: 1 });
      expect(flooded).toMatchObject({ cut: 1 });
      expect(flooded.grown).toBeLessThan(64 * MIB);
    });
  });
}
