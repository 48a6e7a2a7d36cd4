import type { Clock } from '@stream-sessions/core';
import { KEEP_ALIVE } from './sse-text.js';

/** A response that can carry an event stream: from Node's `http`, `https` or `http2`, from Express, Fastify's `reply.raw` … */
export interface EventStreamResponse {
  readonly headersSent: boolean;
  readonly writableEnded: boolean;
  readonly destroyed: boolean;
  /** Of HTTP/2. */
  readonly stream?: { readonly destroyed: boolean } | undefined;
  writeHead(status: number, headers: Record<string, string>): unknown;
  flushHeaders?(): void;
  write(text: string): boolean;
  end(): unknown;
  destroy(): unknown;
  on(event: 'close' | 'drain' | 'error', listener: () => void): unknown;
  off(event: 'close' | 'drain' | 'error', listener: () => void): unknown;
}

/** The source of an event stream's events, which is also notified of its end. */
export interface EventSource {
  /** The next event, which is then the stream's responsibility. */
  next(): string | undefined;
  /** Called once: the client has gone, or was cut because it takes nothing. */
  onGone(): void;
}

const HEADERS = {
  'Content-Type': 'text/event-stream; charset=utf-8',
  // proxies neither cache nor compress it, and nginx passes on every event at once
  'Cache-Control': 'no-cache, no-transform',
  'X-Accel-Buffering': 'no',
};

/** A client that has taken nothing for this many keep-alive intervals, although something was waiting for it, is cut. */
const STALLED_AFTER = 2;

/** Writes events to one response, as fast as its client takes them and no faster. */
export class EventStream {
  private isBlocked = false;
  private isOpen = true;
  private blockedFor = 0;
  private timer: unknown;

  constructor(
    private readonly response: EventStreamResponse,
    private readonly source: EventSource,
    private readonly clock: Clock,
    private readonly keepAliveMs: number,
  ) {
    response.on('close', this.onClose);
    response.on('drain', this.onDrain);
    response.on('error', ignore);
    if (!response.headersSent) response.writeHead(200, HEADERS);
    response.flushHeaders?.();
    this.timer = clock.setTimeout(this.onKeepAlive, keepAliveMs);
    this.pump();
  }

  /** Writes what is available, until the client's share of memory is full. */
  pump(): void {
    while (this.isOpen && !this.isBlocked) {
      const text = this.source.next();
      if (text === undefined) return;
      this.isBlocked = !this.response.write(text);
    }
  }

  /** Ends the response. Safe to call twice. */
  end(): void {
    if (!this.close()) return;
    // a client that takes nothing would not take the end either
    if (this.isBlocked) this.response.destroy();
    else this.response.end();
  }

  private readonly onDrain = (): void => {
    this.isBlocked = false;
    this.blockedFor = 0;
    this.pump();
  };

  private readonly onKeepAlive = (): void => {
    if (!this.isBlocked) this.isBlocked = !this.response.write(KEEP_ALIVE);
    else if (++this.blockedFor >= STALLED_AFTER) {
      this.response.destroy();
      return this.onClose();
    }
    this.timer = this.clock.setTimeout(this.onKeepAlive, this.keepAliveMs);
  };

  private readonly onClose = (): void => {
    if (this.close()) this.source.onGone();
  };

  /** True for the first time. */
  private close(): boolean {
    if (!this.isOpen) return false;
    this.isOpen = false;
    this.clock.clearTimeout(this.timer);
    this.response.off('close', this.onClose);
    this.response.off('drain', this.onDrain);
    // the error listener stays: a response may fail after it was ended, and must not end the process
    return true;
  }
}

const ignore = (): void => undefined;
