import type { ServerResponse } from 'node:http';
import { isHttp2, type PlaybackRequest, type PlaybackResponse } from '../connect.js';
import { tapDestroy } from './tap-destroy.js';
import { beingWritten, heldBack, type Outlet, queuedInTcp, takenByKernel } from './wire.js';

/** Who wants to know how a response goes on. */
export interface BodyObserver {
  nextObserver: BodyObserver | undefined;
  /** The application has ended the response; the client has still to take it. */
  ended(): void;
  /** Nothing more will be sent. */
  closed(): void;
}

const BODY = Symbol('stream-sessions.body');
type Counted<T> = T & { [BODY]?: BodyCounter };
type Write = (this: PlaybackResponse, chunk: unknown, encoding?: unknown, callback?: unknown) => boolean;
type End = (this: PlaybackResponse, chunk?: unknown, encoding?: unknown, callback?: unknown) => PlaybackResponse;

/** What is above this stays in one write, whose parts only the connection's own count can tell apart. */
const LARGE_WRITE = 65_536;

/**
 * Counts the body of one response: the bytes the application wrote after content encoding, and how many of them were
 * handed to the kernel. Wraps `write` and `end` by two functions that all responses share.
 */
export class BodyCounter {
  observers: BodyObserver | undefined = undefined;
  /** Body bytes the application wrote. */
  written = 0;
  /** What chunked encoding adds to them. */
  framing = 0;
  readonly write: Write;
  readonly end: End;
  /** A cut ends the count: what was handed over until then. */
  private final = -1;
  private wireBase = 0;

  private constructor(
    readonly res: PlaybackResponse,
    /** HTTP/1: the socket, which later responses use too. HTTP/2: the stream. */
    readonly outlet: Outlet,
    /** Where the connection's own count is needed: HTTP/2 and TLS. */
    private readonly connection: Outlet | undefined,
  ) {
    ({ write: this.write, end: this.end } = res as unknown as { write: Write; end: End });
    if (connection !== undefined) this.wireBase = takenByKernel(connection) ?? 0;
  }

  /** The counter of this response, put in place when it is asked for first. */
  static of(req: PlaybackRequest, res: Counted<PlaybackResponse>): BodyCounter {
    return res[BODY] ?? (res[BODY] = BodyCounter.start(req, res));
  }

  private static start(req: PlaybackRequest, res: PlaybackResponse): BodyCounter {
    if (isHttp2(res)) {
      const { stream } = res;
      const counter = new BodyCounter(res, stream, stream.session?.socket);
      tapDestroy(stream, () => counter.freeze());
      return counter.wrap();
    }
    const socket = req.socket as Outlet & PlaybackRequest['socket'];
    const counter = new BodyCounter(res, socket, socket.encrypted === true ? socket : undefined);
    tapDestroy(socket, freezeCurrent);
    // Behind another response of a pipeline: Node tells only the request when the connection goes.
    if (res.socket === null) req.once('close', () => socket.destroyed && counter.close());
    return counter.wrap();
  }

  private wrap(): this {
    this.res.write = countedWrite as typeof this.res.write;
    this.res.end = countedEnd as typeof this.res.end;
    this.res.on('close', onClose);
    return this;
  }

  /** 304, 204 and errors are hits of no bytes. */
  get counts(): boolean {
    const { statusCode } = this.res;
    return statusCode >= 200 && statusCode < 300 && statusCode !== 204;
  }

  /** Body bytes the kernel has taken by now: exact on plain TCP, elsewhere never too few. */
  handed(): number {
    if (this.final >= 0) return this.final;
    const bytes = isHttp2(this.res) ? this.handedToStream() : this.handedToSocket(this.res);
    return Math.min(Math.max(bytes, 0), this.written);
  }

  private handedToSocket(res: ServerResponse): number {
    // Before its turn in a pipeline a response has no socket; after it has been sent, neither.
    if (res.socket !== this.outlet) return res.writableFinished ? this.written : 0;
    const unsent = res.writableLength;
    if (unsent === 0) return this.written;
    const framing = res.chunkedEncoding ? this.framing + 5 : 0;
    const held = unsent - this.outlet.writableLength + heldBack(this.outlet);
    const queued = queuedInTcp(this.outlet);
    const bytes = this.written - Math.max(0, held + (queued ?? 0) - framing);
    return queued === undefined ? Math.min(bytes, this.takenSinceStart()) : bytes;
  }

  private handedToStream(): number {
    if (this.outlet.writableLength === 0) return this.written;
    return Math.min(this.written - heldBack(this.outlet), this.takenSinceStart());
  }

  private takenSinceStart(): number {
    const taken = this.connection && takenByKernel(this.connection);
    return taken === undefined ? Infinity : taken - this.wireBase;
  }

  /** How far a large write in HTTP/2 or TLS has come shows in the count of the connection only; 0: there is none. */
  takenOfLargeWrite(): number {
    if (this.connection === undefined || beingWritten(this.outlet) <= LARGE_WRITE) return 0;
    return this.takenSinceStart();
  }

  add(chunk: unknown, encoding: unknown): void {
    const size = sizeOf(chunk, encoding);
    this.written += size;
    this.framing += size === 0 ? 0 : ((35 - Math.clz32(size)) >> 2) + 4;
  }

  /** The response is over, or about to be cut: what is not handed over now never will be. */
  freeze(): void {
    if (this.final < 0) this.final = this.handed();
  }

  close(): void {
    this.freeze();
    const { observers } = this;
    this.observers = undefined;
    for (let observer = observers; observer !== undefined; observer = observer.nextObserver) observer.closed();
  }
}

function freezeCurrent(this: unknown): void {
  (this as { _httpMessage?: Counted<PlaybackResponse> | null })._httpMessage?.[BODY]?.freeze();
}

function onClose(this: Counted<PlaybackResponse>): void {
  this[BODY]?.close();
}

function countedWrite(this: Counted<PlaybackResponse>, chunk: unknown, encoding?: unknown, callback?: unknown) {
  const body = this[BODY] as BodyCounter;
  const refused = this.writableEnded;
  const result = body.write.call(this, chunk, encoding, callback);
  if (!refused) body.add(chunk, encoding);
  return result;
}

function countedEnd(this: Counted<PlaybackResponse>, chunk?: unknown, encoding?: unknown, callback?: unknown) {
  const body = this[BODY] as BodyCounter;
  if (this.writableEnded) return body.end.call(this, chunk, encoding, callback);
  const before = body.written;
  const result = body.end.call(this, chunk, encoding, callback);
  // HTTP/2's end() hands its chunk to write(), which has counted it
  if (body.written === before) body.add(chunk, encoding);
  for (let observer = body.observers; observer !== undefined; observer = observer.nextObserver) observer.ended();
  return result;
}

function sizeOf(chunk: unknown, encoding: unknown): number {
  if (typeof chunk === 'string') {
    return Buffer.byteLength(chunk, typeof encoding === 'string' ? (encoding as BufferEncoding) : undefined);
  }
  return chunk instanceof Uint8Array ? chunk.byteLength : 0;
}
