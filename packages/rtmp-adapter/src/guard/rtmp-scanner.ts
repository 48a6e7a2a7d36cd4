import { ChunkReader, type ChunkStream, type Problem } from './chunk-reader.js';

/** The longest command in bytes: it has a name with a token, and the addresses of server, player and page. */
const MAX_COMMAND = 32 * 1024;
/** Bytes for all chunk streams together, for a connection that does not publish. */
const MAX_KEPT = 64 * 1024;
/** The longest data message from a publisher: metadata and cue points. Bytes. */
const MAX_DATA = 256 * 1024;

const SET_CHUNK_SIZE = 1;
const [AUDIO, VIDEO, AMF3_DATA, AMF0_DATA] = [8, 9, 15, 18];
const [AMF3_COMMAND, AMF0_COMMAND, AGGREGATE] = [17, 20, 22];
const NUMBER_BYTES = 9;
const [AMF0_STRING, AMF0_NULL] = [2, 5];

/** The role of a connection according to the server. */
export type Role = 'player' | 'publisher' | undefined;

/** Reports what would cost the server its memory, its event loop or its life, before the server reads it. */
export class RtmpScanner extends ChunkReader {
  private role: Role = undefined;
  /** It has asked to publish, and the server has not answered yet. */
  private asksToPublish = false;
  private hasPublished = false;
  private hasConnected = false;

  constructor(private readonly maxMessageBytes: number) {
    super();
  }

  /** The server's current view of the connection, by which it is judged from here on. */
  isTakenFor(role: Role): void {
    this.role = role;
    this.asksToPublish = false;
    if (role === 'publisher') this.hasPublished = true;
  }

  private get mayPublish(): boolean {
    return this.role === 'publisher' || this.asksToPublish;
  }

  protected override begun({ type, length, kept }: ChunkStream): Problem {
    if (type > AGGREGATE) return 'a message of no known type';
    const { mayPublish, hasPublished, maxMessageBytes } = this;
    const isMedia = type === AUDIO || type === VIDEO || type === AGGREGATE;
    const longest = !mayPublish ? MAX_COMMAND : isMedia ? maxMessageBytes : MAX_DATA;
    const most = mayPublish || hasPublished ? 2 * maxMessageBytes : MAX_KEPT;
    const isTooMuch = length > kept && this.kept + length - kept > most;
    return length > longest || isTooMuch ? 'messages that are too long' : undefined;
  }

  protected override completed({ type, length, opening }: ChunkStream): Problem {
    switch (type) {
      case SET_CHUNK_SIZE:
        if (length < 4) return 'an invalid chunk size';
        this.chunkSize = opening.readUInt32BE(0);
        return this.chunkSize === 0 || this.chunkSize > 0xffffff ? 'an impossible chunk size' : undefined;
      case AMF3_COMMAND:
        return this.command(opening.subarray(1, length));
      case AMF0_COMMAND:
        return this.command(opening.subarray(0, length));
      case AUDIO:
      case VIDEO:
      case AMF3_DATA:
      case AMF0_DATA:
        // Version 4 would pass it to the players of what this client is playing, and version 2 would keep it for nobody.
        return this.mayPublish ? undefined : 'media from a client that does not publish';
      default:
        return undefined;
    }
  }

  private command(text: Buffer): Problem {
    // The server also accepts other values as a name, but no client sends them.
    if (text.length < 3 || text[0] !== AMF0_STRING) return 'a command without a name';
    const end = 3 + text.readUInt16BE(1);
    const name = text.toString('latin1', 3, end);
    if (name === 'connect') {
      // Version 2 would never stop the timer of the first one.
      if (this.hasConnected) return 'a second connect';
      this.hasConnected = true;
    }
    // A number and null precede the name of the stream (7.2.2 of the RTMP specification).
    const isNamed = text[end + NUMBER_BYTES] === AMF0_NULL && text[end + NUMBER_BYTES + 1] === AMF0_STRING;
    if (name === 'publish' && isNamed) this.asksToPublish = true;
    return undefined;
  }
}
