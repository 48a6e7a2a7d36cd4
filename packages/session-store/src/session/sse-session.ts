import type { Clock } from '@stream-sessions/core';
import { badOption, checkOptions, systemClock } from '@stream-sessions/core/spi';
import { channelFull, disconnected } from '../errors.js';
import { EventStream, type EventStreamResponse } from '../sse/event-stream.js';
import { sseText, type SseFields } from '../sse/sse-text.js';
import { checkPositive } from '../support/checks.js';
import { Session } from './session.js';

/** What is known of the client of an SSE session, on the node that it is connected to. It is not stored. */
export interface SseClientInfo {
  /** Epoch milliseconds at which it connected. */
  createdAt?: number;
  readonly [more: string]: unknown;
}

/** Options of {@link SseSession}. */
export interface SseSessionOptions {
  /** Messages that may wait for the client; default 100. One more is refused with `ERR_CHANNEL_FULL`. */
  capacity?: number;
  clientInfo?: SseClientInfo;
  /** Epoch milliseconds; default now. */
  createdAt?: number;
}

/** Options of {@link SseSession.attach}. */
export interface AttachOptions {
  /** A comment is written this often, in milliseconds; default 30,000. A client that takes nothing for two of them is cut. */
  keepAliveMs?: number;
  /** Where the keep-alive takes its time from. Default: the wall clock. */
  clock?: Clock;
}

let restore: (session: SseSession) => void;

/**
 * A client of Server-Sent Events: a channel of 100 messages, and the response that takes them.
 *
 * Sending never waits. A message that does not fit is refused and counted in `dropped`: those that wait keep their order
 * and are never thrown away for a newer one. Messages that still wait when the client goes are counted there, too.
 */
export class SseSession extends Session {
  readonly #capacity: number;
  #waiting: string[] = [];
  #dropped = 0;
  #isConnected = true;
  #isClosed = false;
  #stream: EventStream | undefined;
  /** What is known of the client on this node. */
  clientInfo: SseClientInfo | undefined;

  static {
    restore = (session) => (session.#isConnected = false);
  }

  /** A new session is connected: what is sent before `attach` waits in the channel. */
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

  /** Messages that were refused because the channel was full, or had no time to be sent before the client went. */
  get dropped(): number {
    return this.#dropped;
  }

  /** When the client connected, if that is known, else when the session was created. Epoch milliseconds. */
  get connectedAt(): number {
    return this.clientInfo?.createdAt ?? this.createdAt;
  }

  /**
   * Hands a message to the client; never waits for it.
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
   * Writes the messages to this response from now on, and ends it when the session ends. Writes the head, unless that was
   * sent. A response that was attached before is ended. After the client has gone, or on another node, attaching connects
   * the session again.
   *
   * @throws StreamSessionsError ERR_SESSION_DISCONNECTED when the session was deleted, replaced or has expired, or the response is over
   */
  attach(response: EventStreamResponse, options: AttachOptions = {}): void {
    checkOptions('attach()', options, ['keepAliveMs', 'clock']);
    const { keepAliveMs = 30_000, clock = systemClock } = options;
    checkPositive('keepAliveMs', keepAliveMs);
    if (this.#isClosed || response.writableEnded || response.destroyed) throw disconnected();
    this.#stream?.end();
    this.#isConnected = true;
    this.hold();
    // the manager has stopped, and closes whatever opens
    if (this.#isClosed) throw disconnected();
    const source = { next: () => this.#waiting.shift(), onGone: () => this.#gone() };
    this.#stream = new EventStream(response, source, clock, keepAliveMs);
  }

  /** Ends the response and refuses messages from now on, until another response is attached. Harmless twice. */
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

/** For a session that was read from the storage: its client is not connected here. */
export const markRestored = (session: SseSession): void => restore(session);
