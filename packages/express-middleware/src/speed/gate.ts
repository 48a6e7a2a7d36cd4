import type { Handle } from '@stream-sessions/core';
import type { PlaybackResponse } from '../connect.js';
import type { BodyCounter, BodyGate } from '../response/body-counter.js';
import { callSoon } from '../response/call-soon.js';
import type { Writing } from '../response/writing.js';
import { type Done, HeldBytes } from './held-bytes.js';
import { monotonic } from './pace.js';
import type { SessionSpeed, Waiting } from './session-speed.js';
import { tapDrain } from './tap-drain.js';

/**
 * Writers are told to wait above the first, and to continue below the second, so that there is always something to send. Bytes.
 */
const ENOUGH_HELD = 65_536;
const FEW_HELD = 16_384;

/** A writer that ignores requests to wait for this long, or for this many bytes, always will. Milliseconds. */
const LONG_MS = 10_000;
const MOST_UNHEEDED = 16 * 1024 * 1024;

type Sending = PlaybackResponse & { flushHeaders(): void };

/**
 * Holds a response to the speed of its session. It sits between whatever changes the body, such as compression, and the byte
 * counter, which sees only released bytes. It is there until the response has ended.
 */
export class Gate implements BodyGate, Waiting {
  private readonly bytes = new HeldBytes();
  private readonly drains: ReturnType<typeof tapDrain>;
  /** Where bytes are released to: the methods below those that use the gate. */
  private below: Writing | undefined = undefined;
  /** The client does not take more at the moment; Node signals when it does. */
  private isBlocked = false;
  /** A writer was told to wait. */
  private owesDrain = false;
  /** Bytes written by a writer that was told to wait, and since when. */
  private unheeded = 0;
  private unheededSince = 0;
  private isEnding = false;
  private isOver = false;
  private onEnd: unknown = undefined;

  constructor(
    private readonly body: BodyCounter,
    private speed: SessionSpeed,
    public handle: Handle,
    readonly goesFirst: boolean,
  ) {
    this.drains = tapDrain(body.res, () => this.drained());
    body.gate = this;
  }

  get held(): number {
    return this.bytes.size;
  }

  get isIgnored(): boolean {
    if (this.unheeded > MOST_UNHEEDED) return true;
    return this.speed.msFor(this.unheeded) > LONG_MS / 2 && monotonic() - this.unheededSince > LONG_MS;
  }

  get isReady(): boolean {
    return this.held > 0 && !this.isBlocked;
  }

  write(below: Writing, chunk: unknown, encoding: unknown, callback: unknown): boolean {
    if (this.isEnding) {
      callSoon(encoding, callback, new Error('write after end'));
      return false;
    }
    const bytes = bytesOf(chunk, encoding);
    // an empty chunk, or one that is not a body, is left to Node
    if (bytes === undefined || bytes.length === 0 || !this.body.counts || this.passes(bytes.length)) {
      const goesOn = this.body.write(below, chunk, encoding, callback);
      if (!goesOn) this.isBlocked = this.owesDrain = true;
      return goesOn;
    }
    if (this.owesDrain) {
      if (this.unheeded === 0) this.unheededSince = monotonic();
      this.unheeded += bytes.length;
    }
    this.hold(below, bytes, typeof encoding === 'function' ? encoding : callback);
    this.owesDrain ||= this.held >= ENOUGH_HELD;
    return !this.owesDrain;
  }

  end(below: Writing, chunk: unknown, encoding: unknown, callback: unknown): void {
    if (this.isEnding) return;
    const isPiece = chunk !== undefined && chunk !== null && typeof chunk !== 'function';
    const bytes = isPiece ? bytesOf(chunk, encoding) : undefined;
    const passes = bytes === undefined || !this.body.counts || this.passes(bytes.length);
    if (passes && this.held === 0) {
      this.leave();
      return this.body.end(below, chunk, encoding, callback);
    }
    this.isEnding = true;
    this.onEnd = [chunk, encoding, callback].find((each) => typeof each === 'function');
    // visible to whoever ended it; a property, because Node's own flag is not set yet
    Object.defineProperty(this.body.res, 'writableEnded', { configurable: true, value: true });
    if (bytes === undefined) return;
    this.declare(bytes.length);
    this.hold(below, bytes, undefined);
  }

  release(most: number): number {
    if (this.body.isOver) this.abandon();
    let sent = 0;
    while (sent < most && this.isReady) sent += this.send(most - sent);
    if (this.isOver) return sent;
    if (this.isEnding && this.held === 0) this.finish();
    else this.drainIfFew();
    return sent;
  }

  keepTo(speed: SessionSpeed, handle: Handle): void {
    if (!speed.isTighterThan(this.speed)) return;
    this.speed.leave(this);
    this.speed = speed;
    this.handle = handle;
    if (this.isReady) speed.enter(this);
  }

  abandon(): void {
    this.leave();
    this.bytes.drop();
  }

  private send(most: number): number {
    const { slice, done } = this.bytes.take(most);
    try {
      this.isBlocked = !this.body.write(this.below as Writing, slice, undefined, done);
    } catch (error) {
      // more than its Content-Length says, for example: the writer has long returned
      this.abandon();
      this.body.res.destroy(error as Error);
    }
    return slice.length;
  }

  private passes(size: number): boolean {
    return this.held === 0 && this.speed.takeAll(size);
  }

  private hold(below: Writing, bytes: Buffer, done: unknown): void {
    this.below = below;
    // the head does not wait: applications check whether it has been sent
    if (!this.body.res.headersSent) (this.body.res as Sending).flushHeaders();
    this.bytes.add(bytes, typeof done === 'function' ? (done as Done) : undefined);
    if (!this.isBlocked) this.speed.enter(this);
  }

  /** As Node does for a body that is written in one piece. */
  private declare(length: number): void {
    const { res } = this.body;
    if (res.headersSent || 'stream' in res || this.body.written > 0) return;
    if (!res.hasHeader('Content-Length') && !res.hasHeader('Transfer-Encoding'))
      res.setHeader('Content-Length', length);
  }

  /** Node has room again. True: the writer may be told. */
  private drained(): boolean {
    this.isBlocked = false;
    if (this.held === 0) {
      this.owesDrain = false;
      this.unheeded = 0;
      return true;
    }
    this.owesDrain = true;
    this.speed.enter(this);
    return false;
  }

  private drainIfFew(): void {
    if (!this.owesDrain || this.isEnding || this.isBlocked || this.held > FEW_HELD) return;
    this.owesDrain = false;
    this.unheeded = 0;
    this.drains.drain();
  }

  private finish(): void {
    this.leave();
    this.body.end(this.below as Writing, undefined, undefined, this.onEnd);
  }

  private leave(): void {
    this.isOver = true;
    this.body.gate = undefined;
    this.drains.end();
    this.speed.leave(this);
  }
}

/** Undefined if it is not a chunk of a body. */
function bytesOf(chunk: unknown, encoding: unknown): Buffer | undefined {
  if (typeof chunk === 'string') {
    return Buffer.from(chunk, typeof encoding === 'string' ? (encoding as BufferEncoding) : undefined);
  }
  if (Buffer.isBuffer(chunk)) return chunk;
  return chunk instanceof Uint8Array ? Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength) : undefined;
}
