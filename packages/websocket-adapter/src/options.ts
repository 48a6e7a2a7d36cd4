import type { IncomingMessage } from 'node:http';
import type { Clock, ConnHit, Protocol, SourceGate } from '@stream-sessions/core';
import {
  badOption,
  checkClock,
  checkOptions,
  checkTimeout,
  CONNECTION_STALL_MS,
  type ConnectionSettings,
  type TrustProxy,
} from '@stream-sessions/core/spi';
import { clientReader, type ClientReader } from './request/client-address.js';
import { originRule, type Origins } from './request/origins.js';

/** Options of `attachWebSocketServer()`. Everything has a default. */
export interface WebSocketOptions {
  /**
   * The stream that a client asks for. Default: the path of the request without a leading `live/`, so `/live/cam1` is `cam1`.
   * Null lets the client pass uncounted; undefined refuses it with 400.
   */
  stream?: ((request: IncomingMessage) => string | null | undefined) | undefined;
  /** What the list calls the protocol. Default `websocket`. */
  protocol?: Protocol | undefined;
  /**
   * Has the last word on what is tracked: returns the hit, changed or not, or null to let the client pass uncounted. This is
   * where to declare a publisher: `{ ...hit, kind: 'input' }`.
   */
  hit?: ((request: IncomingMessage, hit: ConnHit) => ConnHit | null) | undefined;
  /**
   * The pages that may connect, by their origin; all others are refused with 403. Default `any`, and `own` for
   * `createVncProxy()`: those of the server's own host, according to the `Host` header.
   */
  origins?: Origins | undefined;
  /** Proxies that may say who the client is, like Express's `trust proxy`. Default: the socket's address is the client's. */
  trustProxy?: TrustProxy | undefined;
  /**
   * A client that takes nothing for this long while its `bufferedAmount` is above 0 is cut as `stalled`. Milliseconds; default
   * 15_000; 0 = never.
   */
  stallTimeoutMs?: number | undefined;
  /**
   * A client that sends nothing for this long, although it was pinged after half of it, counts as gone. Milliseconds; default
   * 60_000; 0 = never, and no pings.
   */
  silenceTimeoutMs?: number | undefined;
  /**
   * `ready` of `createSources()`: an admitted client is held before its upgrade until the source of its stream is running, and is
   * answered with 503 and `Retry-After: 2` if it does not start in time. Default: nobody waits.
   */
  ready?: SourceGate | undefined;
  /** The clock for the once-a-second readings. Default: the wall clock. */
  clock?: Clock | undefined;
}

/** The options, checked, with their defaults. */
export interface Settings extends ConnectionSettings {
  readonly stream: WebSocketOptions['stream'];
  readonly protocol: Protocol;
  readonly hit: WebSocketOptions['hit'];
  readonly client: ClientReader;
  readonly mayConnect: (request: IncomingMessage) => boolean;
  readonly silenceTimeoutMs: number;
  readonly ready: SourceGate | undefined;
}

/** The names of all options. */
export const OPTION_NAMES: readonly (keyof WebSocketOptions)[] = [
  'stream',
  'protocol',
  'hit',
  'origins',
  'trustProxy',
  'stallTimeoutMs',
  'silenceTimeoutMs',
  'ready',
  'clock',
];

/** @throws StreamSessionsError ERR_BAD_OPTION */
export function settingsOf(options: WebSocketOptions): Settings {
  checkOptions('attachWebSocketServer()', options, OPTION_NAMES);
  const { stream, protocol = 'websocket', hit, origins = 'any', trustProxy, ready, clock } = options;
  const { stallTimeoutMs = CONNECTION_STALL_MS, silenceTimeoutMs = 60_000 } = options;
  for (const [name, value] of Object.entries({ stream, hit, ready })) {
    if (value !== undefined && typeof value !== 'function') throw badOption(name, 'a function', value);
  }
  if (typeof protocol !== 'string' || protocol === '') throw badOption('protocol', 'a word', protocol);
  checkTimeout('stallTimeoutMs', stallTimeoutMs);
  checkTimeout('silenceTimeoutMs', silenceTimeoutMs);
  checkClock(clock);
  const client = clientReader(trustProxy);
  const mayConnect = originRule(origins);
  const timeouts = { stallTimeoutMs, silenceTimeoutMs };
  return { stream, protocol, hit, client, mayConnect, ready, ...timeouts, ...(clock && { clock }) };
}
