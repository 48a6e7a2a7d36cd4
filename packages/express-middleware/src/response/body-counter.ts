import type { Handle } from '@stream-sessions/core';
import type { PlaybackRequest, PlaybackResponse } from '../connect.js';
import type { SessionSpeed } from '../speed/session-speed.js';
import type { Writing } from './writing.js';

/** Who wants to know how a response goes on. */
export interface BodyObserver {
  readonly handle: Handle;
  readonly tracker: unknown;
  nextObserver: BodyObserver | undefined;
  /** A look at a response that takes its time. */
  sample(): void;
  /** The head is sent, with its status, and whatever body there is begins. May be called again. */
  begun(): void;
  /** The application has ended the response; the client has still to take it. */
  ended(): void;
  /** Nothing more will be sent. */
  closed(): void;
}

/** What holds a body to the speed of its session. */
export interface BodyGate {
  write(below: Writing, chunk: unknown, encoding: unknown, callback: unknown): boolean;
  end(below: Writing, chunk: unknown, encoding: unknown, callback: unknown): void;
  /** Its writer goes on writing, for long, though it is told to wait. */
  readonly isIgnored: boolean;
  /** Another tracker has a limit too: the tighter of both. */
  keepTo(speed: SessionSpeed, handle: Handle): void;
  /** The response is over, whatever was still to be sent. */
  abandon(): void;
}

/**
 * Counts the body of one response: the bytes the application wrote after content encoding, and how many of them were
 * handed to the kernel.
 */
export abstract class BodyCounter {
  observers: BodyObserver | undefined = undefined;
  nextInQueue: BodyCounter | undefined = undefined;
  previousInQueue: BodyCounter | undefined = undefined;
  /** Only where there is a limit. */
  gate: BodyGate | undefined = undefined;
  /** The application has said that this is all. */
  complete = false;
  /** Body bytes the application wrote. */
  written = 0;
  /** What chunked encoding adds to them. */
  protected framing = 0;
  /** What was handed over until the response was over or cut; -1 while it runs. */
  private final = -1;
  private closed = false;

  constructor(
    readonly req: PlaybackRequest,
    readonly res: PlaybackResponse,
  ) {}

  /** Body bytes the kernel has taken by now. May be more than were written, never too few. */
  protected abstract handedNow(): number;
  /** Ends the transport of this response, and as little else as can be. */
  abstract sever(): void;
  /** How far a write has come that only the connection's own count shows; 0: there is none. */
  abstract takenOfLargeWrite(): number;
  /** Nothing more will be sent, whether or not somebody said so. */
  abstract get isOver(): boolean;

  /** Gives Node a piece of the body, and counts it. */
  write(below: Writing, chunk: unknown, encoding: unknown, callback: unknown): boolean {
    const goesOn = below.write.call(this.res, chunk, encoding, callback);
    this.add(chunk, encoding);
    return goesOn;
  }

  /** The same with the last piece, if there is one. */
  end(below: Writing, chunk: unknown, encoding: unknown, callback: unknown): void {
    const before = this.written;
    below.end.call(this.res, chunk, encoding, callback);
    // HTTP/2's end() hands its chunk to write(), which has counted it
    if (this.written === before) this.add(chunk, encoding);
    this.ended();
  }

  private add(chunk: unknown, encoding: unknown): void {
    const size = sizeOf(chunk, encoding);
    if (size === 0) return;
    if (this.written === 0) this.begun();
    this.written += size;
    this.framing += ((35 - Math.clz32(size)) >> 2) + 4;
  }

  /** 304, 204 and errors are hits of no bytes. */
  get counts(): boolean {
    const { statusCode } = this.res;
    return statusCode >= 200 && statusCode < 300 && statusCode !== 204;
  }

  /** Body bytes the kernel has taken: exact on plain TCP, elsewhere never too few. */
  handed(): number {
    return this.final >= 0 ? this.final : Math.min(Math.max(this.handedNow(), 0), this.written);
  }

  /** The response is over, or about to be cut: what is not handed over now never will be. */
  freeze(): void {
    if (this.final < 0) this.final = this.handed();
  }

  /** Node says that it has sent the response, which is true unless the transport was cut before. */
  sent(): void {
    if (this.final < 0) this.final = this.written;
    this.close();
  }

  /** Whether this is the request or response it counts for. */
  belongsTo(message: unknown): boolean {
    return this.res === message || this.req === message;
  }

  /** Whether this tracker is told of it already. */
  isToldTo(tracker: unknown): boolean {
    let observer = this.observers;
    while (observer !== undefined && observer.tracker !== tracker) observer = observer.nextObserver;
    return observer !== undefined;
  }

  sample(): void {
    if (this.isOver) return this.close();
    // the head is out, and the body is still to come
    if (this.written === 0 && this.res.headersSent) this.begun();
    for (let observer = this.observers; observer !== undefined; observer = observer.nextObserver) observer.sample();
  }

  private begun(): void {
    for (let observer = this.observers; observer !== undefined; observer = observer.nextObserver) observer.begun();
  }

  ended(): void {
    this.complete = true;
    if (this.written === 0) this.begun();
    for (let observer = this.observers; observer !== undefined; observer = observer.nextObserver) observer.ended();
  }

  close(): void {
    if (this.closed) return;
    this.closed = true;
    this.gate?.abandon();
    this.freeze();
    // the client has gone behind the head
    if (this.written === 0 && !this.complete && this.res.headersSent) this.begun();
    for (let observer = this.observers; observer !== undefined; observer = observer.nextObserver) observer.closed();
  }
}

function sizeOf(chunk: unknown, encoding: unknown): number {
  if (typeof chunk === 'string') {
    return Buffer.byteLength(chunk, typeof encoding === 'string' ? (encoding as BufferEncoding) : undefined);
  }
  return chunk instanceof Uint8Array ? chunk.byteLength : 0;
}
