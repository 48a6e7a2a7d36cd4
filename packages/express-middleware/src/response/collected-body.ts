import type { PlaybackResponse } from '../connect.js';
import type { Writing } from './writing.js';
import { callSoon } from './call-soon.js';
import { putHead } from './head.js';

/** Anything longer is not a playlist worth holding in memory. */
export const MAX_COLLECTED = 4 * 1024 * 1024;

/** The methods by which a handler sends a response. */
interface Sending extends Writing {
  writeHead: (this: PlaybackResponse, status: number, ...rest: unknown[]) => PlaybackResponse;
  flushHeaders: (this: PlaybackResponse) => void;
}

/** Decides what happens to a collected response. */
export interface Collector {
  /** Called when the head is known: whether the body is wanted. */
  wants(status: number): boolean;
  /** The body was longer than `MAX_COLLECTED`: it is passed on as it comes. */
  tooLong(): void;
  /** The body is complete. `send` sends the head in its current state with the given body; call it once, immediately or later. */
  collected(body: Buffer, send: (body: Buffer) => void): void;
}

/**
 * Holds a response back until it is complete. A response that the collector does not want, or that is too long, is passed on
 * unchanged.
 */
export class CollectedBody {
  private readonly original: Sending;
  private readonly chunks: Buffer[] = [];
  private size = 0;
  /** `holding` becomes `ending` when the handler is done; `passing` is final. */
  private state: 'holding' | 'ending' | 'passing' = 'holding';
  /** What the handler sees: the head counts as sent. */
  private hasBegun = false;

  constructor(
    private readonly res: PlaybackResponse,
    private readonly collector: Collector,
  ) {
    const { write, end, writeHead, flushHeaders } = res as unknown as Sending;
    this.original = { write, end, writeHead, flushHeaders };
    Object.assign(res, this.methods());
    // A handler that sees the response has begun ends it on failure, rather than appending an error page.
    const isSent = (): boolean => Reflect.get(Object.getPrototypeOf(res) as object, 'headersSent', res) as boolean;
    Object.defineProperty(res, 'headersSent', { configurable: true, get: () => this.hasBegun || isSent() });
  }

  private methods(): Sending {
    // eslint-disable-next-line @typescript-eslint/no-this-alias -- the methods have a `this` of their own
    const body = this;
    const { original } = this;
    return {
      writeHead(status, ...rest) {
        if (body.state === 'passing') return original.writeHead.call(this, status, ...rest);
        if (body.hasBegun) return this;
        putHead(this, status, rest);
        return body.isWanted() ? this : original.writeHead.call(this, status);
      },
      flushHeaders() {
        if (body.state === 'passing' || !body.isWanted()) original.flushHeaders.call(this);
      },
      write(chunk, encoding, callback) {
        if (body.state === 'holding' && body.isWanted()) return body.hold(chunk, encoding, callback);
        return body.state === 'passing' ? original.write.call(this, chunk, encoding, callback) : false;
      },
      end(chunk, encoding, callback) {
        if (body.state === 'passing') return original.end.call(this, chunk, encoding, callback);
        if (body.state === 'holding') body.finish(chunk, encoding, callback);
        return this;
      },
    };
  }

  /** Decided once, when the head would have been sent. */
  private isWanted(): boolean {
    if (this.state === 'holding' && !this.hasBegun) {
      const isLate = this.res.headersSent;
      this.hasBegun = true;
      if (isLate || !this.collector.wants(this.res.statusCode)) this.pass();
    }
    return this.state === 'holding';
  }

  private hold(chunk: unknown, encoding: unknown, callback: unknown): boolean {
    const piece = bufferOf(chunk, encoding);
    this.chunks.push(piece);
    this.size += piece.length;
    if (this.size > MAX_COLLECTED) {
      this.collector.tooLong();
      const goesOn = this.pass();
      callSoon(encoding, callback);
      return goesOn;
    }
    callSoon(encoding, callback);
    return true;
  }

  /** False: the socket is full, and `drain` will signal when it no longer is. */
  private pass(): boolean {
    this.state = 'passing';
    this.hasBegun = false;
    let goesOn = true;
    for (const chunk of this.chunks.splice(0)) goesOn = this.original.write.call(this.res, chunk);
    return goesOn;
  }

  private finish(chunk: unknown, encoding: unknown, callback: unknown): void {
    const { res, original } = this;
    const done = [chunk, encoding, callback].find((each) => typeof each === 'function');
    const last = typeof chunk === 'function' ? undefined : chunk;
    if (!this.isWanted()) return void original.end.call(res, chunk, encoding, callback);
    if (last !== undefined && last !== null)
      this.hold(last, typeof encoding === 'string' ? encoding : undefined, undefined);
    if (this.isPassing()) return void original.end.call(res, undefined, undefined, done);
    this.state = 'ending';
    this.collector.collected(Buffer.concat(this.chunks.splice(0), this.size), (body) => {
      // HTTP/2 ends by calling write()
      this.state = 'passing';
      this.hasBegun = false;
      if (!res.destroyed) original.end.call(res, body, undefined, done);
    });
  }

  private isPassing(): boolean {
    return this.state === 'passing';
  }
}

function bufferOf(chunk: unknown, encoding: unknown): Buffer {
  if (typeof chunk === 'string') {
    return Buffer.from(chunk, typeof encoding === 'string' ? (encoding as BufferEncoding) : undefined);
  }
  // a copy: the writer may reuse its memory
  if (chunk instanceof Uint8Array) return Buffer.from(chunk);
  throw new TypeError('The "chunk" argument must be a string, a Buffer or a Uint8Array.');
}
