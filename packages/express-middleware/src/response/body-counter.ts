import type { Handle } from '@stream-sessions/core';
import type { PlaybackRequest, PlaybackResponse } from '../connect.js';
import type { SessionSpeed } from '../speed/session-speed.js';
import type { Writing } from './writing.js';

/** Follows the progress of a response. */
export interface BodyObserver {
  readonly handle: Handle;
  readonly tracker: unknown;
  nextObserver: BodyObserver | undefined;
  /** Called repeatedly while a response takes its time. */
  sample(): void;
  /** The head has been sent, with its status, and the body, if any, begins. May be called again. */
  begun(): void;
  /** The application has ended the response; the client still has to take it. */
  ended(): void;
  /** Nothing more will be sent. */
  closed(): void;
}

/** Holds a body to the speed limit of its session. */
export interface BodyGate {
  write(below: Writing, chunk: unknown, encoding: unknown, callback: unknown): boolean;
  end(below: Writing, chunk: unknown, encoding: unknown, callback: unknown): void;
  /** Its writer has long ignored requests to wait. */
  readonly isIgnored: boolean;
  /** Another tracker has a limit, too: the tighter one applies. */
  keepTo(speed: SessionSpeed, handle: Handle): void;
  /** The response is over, whatever remained to be sent. */
  abandon(): void;
}

/**
 * Counts the body of one response: the bytes that the application wrote, after content encoding, and how many of them the kernel
 * has taken.
 */
export abstract class BodyCounter {
  observers: BodyObserver | undefined = undefined;
  nextInQueue: BodyCounter | undefined = undefined;
  previousInQueue: BodyCounter | undefined = undefined;
  /** Set only if there is a limit. */
  gate: BodyGate | undefined = undefined;
  /** The application has ended the body. */
  complete = false;
  /** Body bytes the application wrote. */
  written = 0;
  /** Bytes that chunked encoding adds to them. */
  protected framing = 0;
  /** What had been handed over when the response ended or was cut; -1 while it runs. */
  protected final = -1;
  private closed = false;

  constructor(
    readonly req: PlaybackRequest,
    readonly res: PlaybackResponse,
  ) {}

  /** Body bytes that the kernel has taken by now. May be more than were written, never too few. */
  protected abstract handedNow(): number;
  /** Ends the transport of this response, and as little else as possible. */
  abstract sever(): void;
  /** The progress of a large write, which only the connection's own count shows; 0: there is none. */
  abstract takenOfLargeWrite(): number;
  /** Nothing more will be sent, whether or not this was reported. */
  abstract get isOver(): boolean;

  /** Passes a piece of the body to Node, and counts it. */
  write(below: Writing, chunk: unknown, encoding: unknown, callback: unknown): boolean {
    const goesOn = below.write.call(this.res, chunk, encoding, callback);
    this.add(chunk, encoding);
    return goesOn;
  }

  /** The same for the last piece, if there is one. */
  end(below: Writing, chunk: unknown, encoding: unknown, callback: unknown): void {
    const before = this.written;
    below.end.call(this.res, chunk, encoding, callback);
    // HTTP/2's end() passes its chunk to write(), which has already counted it
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

  /** 304, 204 and errors count as zero bytes. */
  get counts(): boolean {
    const { statusCode } = this.res;
    return statusCode >= 200 && statusCode < 300 && statusCode !== 204;
  }

  /** Body bytes that the kernel has taken: exact on plain TCP, never too few elsewhere. */
  handed(): number {
    return this.final >= 0 ? this.final : Math.min(Math.max(this.handedNow(), 0), this.written);
  }

  /** The response is over, or about to be cut: what has not been handed over by now never will be. */
  freeze(): void {
    if (this.final < 0) this.final = this.handed();
  }

  /** It has been cut: whatever its transport still sent while it was destroyed has been sent. */
  settle(): void {
    this.freeze();
  }

  /** Node says that it has sent the response, which is true unless the transport was cut before that. */
  sent(): void {
    if (this.final < 0) this.final = this.written;
    this.close();
  }

  /** Whether this is the request or response that it counts for. */
  belongsTo(message: unknown): boolean {
    return this.res === message || this.req === message;
  }

  /** Whether this tracker is already an observer. */
  isToldTo(tracker: unknown): boolean {
    let observer = this.observers;
    while (observer !== undefined && observer.tracker !== tracker) observer = observer.nextObserver;
    return observer !== undefined;
  }

  sample(): void {
    if (this.isOver) return this.close();
    // the head has been sent, and the body is still to come
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
    this.settle();
    // the client left after the head
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
