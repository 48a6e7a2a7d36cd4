import type { Clock, ConnHit, Denial, Protocol } from '@stream-sessions/core';
import {
  badOption,
  checkClock,
  checkOptions,
  checkTimeout,
  CONNECTION_STALL_MS,
  type ConnectionSettings,
  type TrustProxy,
} from '@stream-sessions/core/spi';
import type { PlaybackResponse, RequestCallback } from '../connect.js';
import { clientReader, type ClientReader } from '../request/client-address.js';

/** Options of `trackStream()`. */
export interface TrackStreamOptions {
  /**
   * The stream code, or a function that returns it. Null lets the request pass uncounted, undefined answers it with 404.
   * Required.
   */
  stream: string | RequestCallback<[], string | null | undefined>;
  /** What the list calls the protocol: `sse`, `mjpeg`, `mpegts`, `http-flv`. Default `http`. */
  protocol?: Protocol | undefined;
  /** Proxies that may say who the client is, for apps without Express's `trust proxy`, which applies if this is absent. */
  trustProxy?: TrustProxy | undefined;
  /** Has the last word on what is tracked: returns the hit, changed or not, or null to let the request pass uncounted. */
  hit?: RequestCallback<[hit: ConnHit], ConnHit | null> | undefined;
  /** Answers a refused viewer instead of the built-in 401, 403, 429 or 503. */
  onDenied?: RequestCallback<[res: PlaybackResponse, denial: Denial], unknown> | undefined;
  /**
   * A viewer that takes nothing for this long while data is waiting for it is cut as `stalled`. Milliseconds; default 15_000; 0 =
   * never.
   */
  stallTimeoutMs?: number | undefined;
  /** The clock for the once-a-second readings. Default: the wall clock. */
  clock?: Clock | undefined;
}

/** The options, checked, with their defaults. */
export interface StreamSettings extends ConnectionSettings {
  readonly streamOf: RequestCallback<[], string | null | undefined>;
  readonly protocol: Protocol;
  readonly client: ClientReader;
  readonly hit: TrackStreamOptions['hit'];
  readonly onDenied: TrackStreamOptions['onDenied'];
}

const KNOWN: readonly (keyof TrackStreamOptions)[] = [
  'stream',
  'protocol',
  'trustProxy',
  'hit',
  'onDenied',
  'stallTimeoutMs',
  'clock',
];

/** @throws StreamSessionsError ERR_BAD_OPTION */
export function streamSettings(options: TrackStreamOptions): StreamSettings {
  checkOptions('trackStream', options, KNOWN);
  const { stream, protocol = 'http', trustProxy, hit, onDenied, clock } = options;
  const { stallTimeoutMs = CONNECTION_STALL_MS } = options;
  if (typeof stream !== 'function' && (typeof stream !== 'string' || stream === ''))
    throw badOption('stream', 'a stream code, or a function that returns one', stream);
  if (typeof protocol !== 'string' || protocol === '') throw badOption('protocol', 'a word', protocol);
  for (const [name, value] of Object.entries({ hit, onDenied })) {
    if (value !== undefined && typeof value !== 'function') throw badOption(name, 'a function', value);
  }
  checkTimeout('stallTimeoutMs', stallTimeoutMs);
  checkClock(clock);
  const streamOf = typeof stream === 'function' ? stream : () => stream;
  const client = clientReader(trustProxy);
  return { streamOf, protocol, client, hit, onDenied, stallTimeoutMs, ...(clock && { clock }) };
}
