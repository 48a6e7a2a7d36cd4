import type { Clock } from '@stream-sessions/core';
import { KEEP_ALIVE } from './sse-text.js';

/** A response that takes an event stream: that of Node's `http`, `https` or `http2`, of Express, Fastify's `reply.raw` … */
export interface EventStreamResponse {
  readonly headersSent: boolean;
  readonly writableEnded: boolean;
  readonly destroyed: boolean;
  writeHead(status: number, headers: Record<string, string>): unknown;
  flushHeaders?(): void;
  write(text: string): boolean;
  end(): unknown;
  destroy(): unknown;
  on(event: 'close' | 'drain' | 'error', listener: () => void): unknown;
  off(event: 'close' | 'drain' | 'error', listener: () => void): unknown;
}

/** What an event stream takes from, and tells. */
export interface EventSource {
  /** The next event, which then belongs to the stream. */
  next(): string | undefined;
  /** Called once: the client has gone, or was cut because it takes nothing. */
  onGone(): void;
}

const HEADERS = {
  'Content-Type': 'text/event-stream; charset=utf-8',
  // proxies neither keep nor compress it, and nginx passes every event on at once
  'Cache-Control': 'no-cache, no-transform',
  'X-Accel-Buffering': 'no',
};

/** A client that has taken nothing for this many keep-alives, while something waited for it, is cut. */
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

  /** Writes what is there, until the client's share of memory is full. */
  pump(): void {
    while (this.isOpen && !this.isBlocked) {
      const text = this.source.next();
      if (text === undefined) return;
      this.isBlocked = !this.response.write(text);
    }
  }

  /** Ends the response. Harmless twice. */
  end(): void {
    if (!this.close()) return;
    // who takes nothing would not take the end of it either
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
    // the listener for errors stays: a response may fail after it was ended, and must not end the process
    return true;
  }
}

const ignore = (): void => undefined;
