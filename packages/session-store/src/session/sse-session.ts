import type { Clock } from '@stream-sessions/core';
import { badOption, checkOptions, systemClock } from '@stream-sessions/core/spi';
import { channelFull, disconnected } from '../errors.js';
import { EventStream, type EventStreamResponse } from '../sse/event-stream.js';
import { sseText, type SseFields } from '../sse/sse-text.js';
import { checkPositive } from '../support/checks.js';
import { Session } from './session.js';

/** What is known about the client of an SSE session, on the node that it is connected to. It is not stored. */
export interface SseClientInfo {
  /** Epoch milliseconds at which it connected. */
  createdAt?: number;
  readonly [more: string]: unknown;
}

/** Options of {@link SseSession}. */
export interface SseSessionOptions {
  /** How many messages may wait for the client; default 100. Any more are refused with `ERR_CHANNEL_FULL`. */
  capacity?: number | undefined;
  clientInfo?: SseClientInfo | undefined;
  /** Epoch milliseconds; default now. */
  createdAt?: number | undefined;
}

/** Options of {@link SseSession.attach}. */
export interface AttachOptions {
  /**
   * How often a comment is written, in milliseconds; default 30,000. A client that takes nothing during two of these intervals is
   * cut.
   */
  keepAliveMs?: number | undefined;
  /** The source of time for the keep-alive. Default: the wall clock. */
  clock?: Clock | undefined;
}

let restore: (session: SseSession) => void;

/**
 * A client of Server-Sent Events: a channel of 100 messages, and the response that takes them.
 *
 * Sending never waits. A message that does not fit is refused and counted in `dropped`: waiting messages keep their order and are
 * never discarded for a newer one. Messages that are still waiting when the client leaves are counted there, too.
 */
export class SseSession extends Session {
  readonly #capacity: number;
  #waiting: string[] = [];
  #dropped = 0;
  #isConnected = true;
  #isClosed = false;
  #stream: EventStream | undefined;
  /** What is known about the client on this node. */
  clientInfo: SseClientInfo | undefined;

  static {
    restore = (session) => (session.#isConnected = false);
  }

  /** A new session is connected: messages sent before `attach` wait in the channel. */
  constructor(id: string, options: SseSessionOptions = {}) {
    super(id, 'sse', options.createdAt);
    checkOptions('new SseSession()', options, ['capacity', 'clientInfo', 'createdAt']);
    const { capacity = 100, clientInfo } = options;
    if (!Number.isInteger(capacity) || capacity < 1) throw badOption('capacity', 'a whole number from 1', capacity);
    this.#capacity = capacity;
    this.clientInfo = clientInfo;
  }

  /** Whether its client is connected to this node. False for one that another node made, or an earlier process. */
  get isConnected(): boolean {
    return this.#isConnected;
  }

  /** Messages that wait for the client. */
  get waiting(): number {
    return this.#waiting.length;
  }

  /** Messages that were refused because the channel was full, or could not be sent before the client left. */
  get dropped(): number {
    return this.#dropped;
  }

  /** When the client connected, if known, otherwise when the session was created. Epoch milliseconds. */
  get connectedAt(): number {
    return this.clientInfo?.createdAt ?? this.createdAt;
  }

  /**
   * Sends a message to the client, without waiting for it.
   *
   * @throws StreamSessionsError ERR_SESSION_DISCONNECTED, ERR_CHANNEL_FULL (both with `status` 503), ERR_BAD_MESSAGE
   */
  sendMessage(message: string, fields?: SseFields): void {
    if (!this.#isConnected) throw disconnected();
    const text = sseText(message, fields);
    if (this.#waiting.length >= this.#capacity) {
      this.#dropped++;
      throw channelFull();
    }
    this.#waiting.push(text);
    this.#stream?.pump();
  }

  /**
   * Writes the messages to this response from now on, and ends it when the session ends. Sends the head unless it has already
   * been sent. A previously attached response is ended. After the client has gone, or on another node, attaching connects the
   * session again.
   *
   * @throws StreamSessionsError ERR_SESSION_DISCONNECTED if the session was deleted, was replaced or has expired, or the response
   *   is over
   */
  attach(response: EventStreamResponse, options: AttachOptions = {}): void {
    checkOptions('attach()', options, ['keepAliveMs', 'clock']);
    const { keepAliveMs = 30_000, clock = systemClock } = options;
    checkPositive('keepAliveMs', keepAliveMs);
    if (this.#isClosed || isOver(response)) throw disconnected();
    this.#stream?.end();
    this.#isConnected = true;
    this.hold();
    // the manager has stopped, and closes anything that opens
    if (this.#isClosed) throw disconnected();
    const source = { next: () => this.#waiting.shift(), onGone: () => this.#gone() };
    this.#stream = new EventStream(response, source, clock, keepAliveMs);
  }

  /** Ends the response and refuses messages until another response is attached. Safe to call twice. */
  disconnect(): void {
    this.#stream?.end();
    this.#gone();
  }

  override close(): void {
    this.#isClosed = true;
    this.disconnect();
  }

  #gone(): void {
    this.#stream = undefined;
    this.#isConnected = false;
    this.#dropped += this.#waiting.length;
    this.#waiting = [];
    this.release();
  }
}

/** A response of HTTP/2 does not say itself that its client has gone; its stream does, and there may be none any more. */
const isOver = (response: EventStreamResponse): boolean =>
  response.writableEnded || response.destroyed || ('stream' in response && response.stream?.destroyed !== false);

/** For a session that was read from the storage: its client is not connected to this node. */
export const markRestored = (session: SseSession): void => restore(session);
