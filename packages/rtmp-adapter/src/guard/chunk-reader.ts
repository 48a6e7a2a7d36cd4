/** The beginning of a message: enough to recognise a command and whether it names a stream. */
const OPENING_BYTES = 24;
const HANDSHAKE = 1 + 1536 + 1536;
const HEAD_BYTES = [11, 7, 3, 0];
const LONGEST_HEAD = 3 + 11 + 4;
const EXTENDED = 0xffffff;
/** The most chunk streams of a connection: players and publishers use a handful. */
const MAX_CHUNK_STREAMS = 64;

/** The state of one chunk stream, and of the message it is in the middle of. */
export interface ChunkStream {
  length: number;
  type: number;
  /** As in its last header: a time, or a difference to add. */
  timestamp: number;
  /** In milliseconds; adding differences may take it beyond 32 bits. */
  clock: number;
  /** Bytes of the message received so far. */
  got: number;
  /** The longest message so far, for which the server keeps a buffer. */
  kept: number;
  readonly opening: Buffer;
}

/** What is wrong with a connection, if anything. */
export type Problem = string | undefined;

/**
 * Follows what a client sends over RTMP, from chunk header to chunk header, just as node-media-server does (4.4 and 2.7 parse
 * alike), including its peculiarities: a test compares the two. If the server would lose track, that is a problem. Keeps no
 * media.
 */
export abstract class ChunkReader {
  protected chunkSize = 128;
  /** Bytes for which the server keeps buffers. */
  protected kept = 0;
  private readonly streams = new Map<number, ChunkStream>();
  private handshakeLeft = HANDSHAKE;
  private readonly head = Buffer.alloc(LONGEST_HEAD);
  private headBytes = 0;
  private current: ChunkStream | undefined = undefined;
  /** Bytes until the next header. */
  private left = 0;

  /** A message begins, and the server now allocates its buffer. */
  protected abstract begun(stream: ChunkStream): Problem;
  /** A message is complete: the server acts on it. */
  protected abstract completed(stream: ChunkStream): Problem;

  scan(data: Buffer): Problem {
    let at = 0;
    if (this.handshakeLeft > 0) {
      if (this.handshakeLeft === HANDSHAKE && data.length > 0 && data[0] !== 3) return 'not RTMP';
      at = Math.min(this.handshakeLeft, data.length);
      this.handshakeLeft -= at;
    }
    let problem: Problem;
    while (at < data.length && problem === undefined) {
      if (this.current === undefined) {
        this.head[this.headBytes++] = data[at++] as number;
        problem = this.readHead();
      } else {
        const end = Math.min(at + this.left, data.length);
        const { got, opening } = this.current;
        if (got < OPENING_BYTES) data.copy(opening, got, at, end);
        problem = this.advance(this.current, end - at);
        at = end;
      }
    }
    return problem;
  }

  private readHead(): Problem {
    const { head, headBytes } = this;
    const first = head[0] as number;
    const basic = (first & 63) === 0 ? 2 : (first & 63) === 1 ? 3 : 1;
    const format = first >> 6;
    const size = basic + (HEAD_BYTES[format] as number);
    if (headBytes < size) return undefined;
    const id = basic === 1 ? first & 63 : basic === 2 ? 64 + (head[1] as number) : this.longId();
    const known = this.streams.get(id);
    const timestamp = format < 3 ? head.readUIntBE(basic, 3) : (known?.timestamp ?? 0);
    if (headBytes < size + (timestamp === EXTENDED ? 4 : 0)) return undefined;
    this.headBytes = 0;

    const stream = known ?? this.open(id);
    if (stream === undefined) return 'too many chunk streams';
    stream.timestamp = timestamp;
    if (format < 2) {
      const length = head.readUIntBE(basic + 3, 3);
      const type = head[basic + 6] as number;
      // The server's parser would go back in its input and loop for ever.
      if (stream.got > 0 && (length !== stream.length || type !== stream.type)) return 'a message that changes';
      stream.length = length;
      stream.type = type;
    }
    if (stream.got === 0) {
      const time = timestamp === EXTENDED ? head.readUInt32BE(size) : timestamp;
      stream.clock = format === 0 ? time : stream.clock + time;
      // The server ignores such a message, including a change of the chunk size.
      if (stream.clock > 0xffffffff) return 'a time that cannot be counted';
      const problem = this.begun(stream);
      if (problem !== undefined) return problem;
      this.kept += Math.max(0, stream.length - stream.kept);
      stream.kept = Math.max(stream.length, stream.kept);
    }
    this.current = stream;
    // The server goes by the position in the message: with a new chunk size, this chunk ends elsewhere.
    this.left = Math.min(this.chunkSize - (stream.got % this.chunkSize), stream.length - stream.got);
    return this.advance(stream, 0);
  }

  private open(id: number): ChunkStream | undefined {
    if (this.streams.size >= MAX_CHUNK_STREAMS) return undefined;
    const opening = Buffer.alloc(OPENING_BYTES);
    const stream = { length: 0, type: 0, timestamp: 0, clock: 0, got: 0, kept: 0, opening };
    this.streams.set(id, stream);
    return stream;
  }

  private advance(stream: ChunkStream, bytes: number): Problem {
    stream.got += bytes;
    this.left -= bytes;
    if (this.left > 0) return undefined;
    this.current = undefined;
    if (stream.got < stream.length) return undefined;
    const problem = this.completed(stream);
    stream.got = 0;
    return problem;
  }

  /** As the server computes it. */
  private longId(): number {
    return (64 + (this.head[1] as number) + (this.head[2] as number)) << 8;
  }
}
