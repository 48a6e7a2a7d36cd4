import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { decodeAll, encode, type Amf } from './amf.js';
import { videoSource } from './video-source.js';

export interface Status {
  level: string;
  code: string;
  description: string;
}

/** One message, in chunks of 128 bytes as a client sends before it has said otherwise. */
export function message(type: number, payload: Buffer, streamId = 0, chunkStream = 3, timestamp = 0): Buffer {
  const head = Buffer.alloc(12);
  head[0] = chunkStream;
  head.writeUIntBE(timestamp & 0xffffff, 1, 3);
  head.writeUIntBE(payload.length, 4, 3);
  head[7] = type;
  head.writeUInt32LE(streamId, 8);
  const parts: Buffer[] = [head];
  for (let at = 0; at < payload.length; at += 128) {
    if (at > 0) parts.push(Buffer.from([0xc0 | chunkStream]));
    parts.push(payload.subarray(at, at + 128));
  }
  return Buffer.concat(parts);
}

/** A client's part of it, at once. */
export const HANDSHAKE = Buffer.concat([Buffer.from([3]), Buffer.alloc(3072)]);

export const command = (...values: Amf[]): Buffer => message(20, Buffer.concat(values.map(encode)));
/** A command on the stream that plays or publishes. */
export const onStream = (...values: Amf[]): Buffer => message(20, Buffer.concat(values.map(encode)), 1);

/** A bare RTMP client: says what it is told to, counts the media it gets, and remembers what it was told. */
export class RtmpClient {
  readonly statuses: Status[] = [];
  mediaBytes = 0;
  ended = false;
  /** Pings that came; a client answers them. */
  pings = 0;
  answersPings = true;
  readonly socket: Socket;
  private input = Buffer.alloc(0) as Buffer;
  private isShaken = false;
  private readonly streams = new Map<number, { length: number; type: number; payload: Buffer[]; got: number }>();
  private current = 0;
  private chunkSize = 128;
  private left = 0;
  private timer: NodeJS.Timeout | undefined;

  /** @param app what stands behind the host in the encoder's field for the server */
  constructor(
    port: number,
    secure = false,
    private readonly app = 'live',
  ) {
    this.socket = secure
      ? connectTls({ port, host: '127.0.0.1', rejectUnauthorized: false })
      : connect(port, '127.0.0.1');
    this.socket.on('data', (data: Buffer) => this.take(data));
    this.socket.on('error', () => undefined);
    this.socket.on('close', () => {
      this.ended = true;
      clearInterval(this.timer);
    });
    this.socket.write(Buffer.concat([Buffer.from([3]), Buffer.alloc(1536)]));
  }

  say(data: Buffer): void {
    if (this.socket.writable) this.socket.write(data);
  }

  /** Handshake is answered by then. */
  async shaken(): Promise<this> {
    while (!this.isShaken && !this.ended) await Promise.race([once(this.socket, 'data'), once(this.socket, 'close')]);
    return this;
  }

  connect(flashVer = 'TEST/1.0', app = this.app): void {
    this.say(command('connect', 1, { app, flashVer, tcUrl: `rtmp://127.0.0.1/${app}` }));
    this.say(command('createStream', 2, null));
  }

  async play(name: string, flashVer?: string): Promise<this> {
    await this.shaken();
    this.connect(flashVer);
    this.say(onStream('play', 3, null, name));
    return this;
  }

  playAlso(name: string): void {
    this.say(onStream('play', 4, null, name));
  }

  publishAlso(name: string): void {
    this.say(onStream('publish', 4, null, name, 'live'));
  }

  /** Publishes a key frame and some others. */
  async publish(name: string, flashVer?: string, packetBytes = 1000, codec = 7, everyMs = 20): Promise<this> {
    await this.shaken();
    this.connect(flashVer);
    this.say(onStream('publish', 3, null, name, 'live'));
    const send = (video: Buffer, timestamp: number): void => {
      if (this.socket.writableLength < 1_000_000) this.say(message(9, video, 1, 6, timestamp));
    };
    this.timer = videoSource(packetBytes, codec, send, everyMs);
    return this;
  }

  /** Goes on being connected, and sends nothing any more. */
  fallSilent(): void {
    clearInterval(this.timer);
  }

  /** Goes on publishing. */
  goOn(packetBytes = 1000, codec = 7): void {
    const send = (video: Buffer, timestamp: number): void => this.say(message(9, video, 1, 6, timestamp));
    this.timer = videoSource(packetBytes, codec, send);
  }

  /** Goes on being connected, and reads and answers nothing any more. */
  freeze(): void {
    this.socket.pause();
  }

  drop(): void {
    clearInterval(this.timer);
    this.socket.destroy();
    this.ended = true;
  }

  private take(data: Buffer): void {
    this.input = Buffer.concat([this.input, data]);
    if (!this.isShaken) {
      if (this.input.length < 1 + 2 * 1536) return;
      this.input = this.input.subarray(1 + 2 * 1536);
      this.isShaken = true;
      this.socket.write(Buffer.alloc(1536));
    }
    while (this.chunk());
  }

  private chunk(): boolean {
    const { input } = this;
    if (this.left === 0) {
      if (input.length === 0) return false;
      const format = (input[0] as number) >> 6;
      const head = [12, 8, 4, 1][format] as number;
      if (input.length < head) return false;
      this.current = (input[0] as number) & 63;
      if (format < 2) {
        this.streams.set(this.current, {
          length: input.readUIntBE(4, 3),
          type: input[7] as number,
          payload: [],
          got: 0,
        });
      }
      const { length, got } = this.stream();
      this.left = Math.min(this.chunkSize, length - got);
      this.input = input.subarray(head);
      return true;
    }
    if (input.length === 0) return false;
    const part = input.subarray(0, this.left);
    this.input = input.subarray(part.length);
    this.left -= part.length;
    const stream = this.stream();
    stream.payload.push(part);
    stream.got += part.length;
    if (stream.type === 8 || stream.type === 9) this.mediaBytes += part.length;
    if (stream.got === stream.length) {
      const payload = Buffer.concat(stream.payload);
      Object.assign(stream, { payload: [], got: 0 });
      if (stream.type === 1) this.chunkSize = payload.readUInt32BE();
      if (stream.type === 20) this.told(payload);
      if (stream.type === 4 && payload[1] === 6) this.pinged(payload);
    }
    return true;
  }

  private stream() {
    const stream = this.streams.get(this.current);
    if (stream === undefined) throw new Error(`a chunk of an unknown stream: ${this.current}`);
    return stream;
  }

  private pinged(payload: Buffer): void {
    this.pings++;
    if (this.answersPings) this.say(message(4, Buffer.from([0, 7, ...payload.subarray(2)]), 0, 2));
  }

  private told(payload: Buffer): void {
    const [name, , , info] = decodeAll(payload);
    if (name === 'onStatus') this.statuses.push(info as unknown as Status);
  }
}
