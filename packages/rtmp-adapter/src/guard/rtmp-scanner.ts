/** What a connection may cost before it has said that it publishes: commands are short. */
const MAX_BEFORE_PUBLISH = 256 * 1024;
/** Players and publishers use a handful. */
const MAX_CHUNK_STREAMS = 64;
const HANDSHAKE = 1 + 1536 + 1536;
const HEAD_BYTES = [11, 7, 3, 0];
/** As much of a message as tells its command. */
const NAME_BYTES = 24;

const SET_CHUNK_SIZE = 1;
const AMF3_COMMAND = 17;
const AMF0_COMMAND = 20;
const NUMBER_BYTES = 9;
const AMF0_STRING = 2;
const AMF0_NULL = 5;

interface ChunkStream {
  length: number;
  type: number;
  timestamp: number;
  got: number;
  /** The longest message so far: the server keeps a buffer for it. */
  kept: number;
}

/**
 * Reads along what a client sends over RTMP, from chunk head to chunk head, and tells of what would cost the server its memory
 * or its event loop. It keeps no media.
 */
export class RtmpScanner {
  /** The client has asked to play or to publish, by name. */
  hasBegun = false;
  private publishes = false;
  private handshakeLeft = HANDSHAKE;
  private chunkSize = 128;
  private readonly streams = new Map<number, ChunkStream>();
  private kept = 0;
  private stream: ChunkStream | undefined = undefined;
  private chunkLeft = 0;
  private readonly head: number[] = [];
  private name: number[] = [];

  constructor(private readonly maxMessageBytes: number) {}

  /** What is wrong with the connection, if anything. */
  scan(data: Buffer): string | undefined {
    let at = 0;
    if (this.handshakeLeft > 0) {
      if (this.handshakeLeft === HANDSHAKE && data.length > 0 && data[0] !== 3) return 'not RTMP';
      at = Math.min(this.handshakeLeft, data.length);
      this.handshakeLeft -= at;
    }
    while (at < data.length) {
      if (this.stream === undefined) {
        this.head.push(data[at++] as number);
        const problem = this.readHead();
        if (problem !== undefined) return problem;
      } else {
        const part = Math.min(this.chunkLeft, data.length - at);
        if (this.name.length < NAME_BYTES) this.name.push(...data.subarray(at, at + Math.min(part, NAME_BYTES)));
        at += part;
        const problem = this.advance(this.stream, part);
        if (problem !== undefined) return problem;
      }
    }
    return undefined;
  }

  private readHead(): string | undefined {
    const { head } = this;
    const first = head[0] as number;
    const basic = (first & 63) === 0 ? 2 : (first & 63) === 1 ? 3 : 1;
    const format = first >> 6;
    const size = basic + (HEAD_BYTES[format] as number);
    if (head.length < size) return undefined;
    const id = basic === 1 ? first & 63 : basic === 2 ? 64 + (head[1] as number) : this.longId();
    const known = this.streams.get(id);
    const timestamp = format < 3 ? this.number(basic, 3) : (known?.timestamp ?? 0);
    if (head.length < size + (timestamp === 0xffffff ? 4 : 0)) return undefined;

    if (known === undefined && this.streams.size >= MAX_CHUNK_STREAMS) return 'too many chunk streams';
    const stream = known ?? { length: 0, type: 0, timestamp: 0, got: 0, kept: 0 };
    this.streams.set(id, stream);
    stream.timestamp = timestamp;
    if (format < 2) {
      const length = this.number(basic + 3, 3);
      // The server's parser would go back in its input, and never come out.
      if (stream.got > 0 && length !== stream.length) return 'a message whose length changes';
      stream.length = length;
      stream.type = head[basic + 6] as number;
    }
    head.length = 0;
    return this.begin(stream);
  }

  private begin(stream: ChunkStream): string | undefined {
    if (stream.length > stream.kept) {
      this.kept += stream.length - stream.kept;
      stream.kept = stream.length;
      const limit = this.publishes ? 2 * this.maxMessageBytes : MAX_BEFORE_PUBLISH;
      if (stream.length > this.maxMessageBytes || this.kept > limit) return 'messages that are too long';
    }
    if (stream.got === 0) this.name = [];
    else this.name.length = NAME_BYTES;
    this.stream = stream;
    this.chunkLeft = Math.min(this.chunkSize, stream.length - stream.got);
    return this.advance(stream, 0);
  }

  private advance(stream: ChunkStream, bytes: number): string | undefined {
    stream.got += bytes;
    this.chunkLeft -= bytes;
    if (this.chunkLeft > 0) return undefined;
    this.stream = undefined;
    if (stream.got < stream.length) return undefined;
    stream.got = 0;
    return this.complete(stream);
  }

  private complete({ type, length }: ChunkStream): string | undefined {
    const { name } = this;
    if (type === SET_CHUNK_SIZE) {
      if (length < 4) return 'a chunk size that is none';
      this.chunkSize = Buffer.from(name).readUInt32BE(0);
      if (this.chunkSize === 0 || this.chunkSize > 0xffffff) return 'an impossible chunk size';
    } else if (type === AMF0_COMMAND || type === AMF3_COMMAND) {
      const from = type === AMF3_COMMAND ? 1 : 0;
      const end = from + 3 + (name[from + 2] ?? 0);
      const command = Buffer.from(name.slice(from + 3, end)).toString('latin1');
      // A number and null come before the name of the stream (7.2.2 of the RTMP specification). 2 bears a play without
      // one, and would keep the connection.
      const isNamed = name[end + NUMBER_BYTES] === AMF0_NULL && name[end + NUMBER_BYTES + 1] === AMF0_STRING;
      this.publishes ||= command === 'publish' && isNamed;
      this.hasBegun ||= this.publishes || (command === 'play' && isNamed);
    }
    return undefined;
  }

  private number(from: number, bytes: number): number {
    let value = 0;
    for (let i = from; i < from + bytes; i++) value = value * 256 + (this.head[i] as number);
    return value;
  }

  /** As the server counts them. */
  private longId(): number {
    return (64 + (this.head[1] as number) + (this.head[2] as number)) << 8;
  }
}
