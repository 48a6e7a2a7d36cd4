import type { Denial, HttpHit, Protocol, SourceGate } from '@stream-sessions/core';
import { badOption, checkOptions, type TrustProxy } from '@stream-sessions/core/spi';
import type { PlaybackResponse, RequestCallback } from './connect.js';
import { MediaTypes } from './media/extensions.js';
import type { StreamRule } from './media/stream-name.js';
import { type ClientReader, clientReader } from './request/client-address.js';
import { type TimeshiftReader, type TimeshiftRule, timeshiftReader } from './request/timeshift.js';
import { type TokenSettings, tokenSettings, type ViewerTokenOptions } from './tokens/options.js';
import { type TokenReader, tokenReader } from './tokens/reader.js';

/** Options of `trackPlayback()`. Everything has a default. */
export interface TrackPlaybackOptions {
  /**
   * Where the stream code is. Default `first-segment`: `/cam1/720p/seg1.ts` is `cam1`. `dirname`: the whole directory,
   * `cam1/720p`. A function returns it; null lets the request pass uncounted, and so does undefined, unless a policy authorises:
   * then a file without a stream is refused.
   */
  stream?: StreamRule | RequestCallback<[], string | null | undefined> | undefined;
  /**
   * Further file extensions that count, with their protocol, `{ '.aac': 'hls', '.m4a': 'dash' }`, and ones that never do,
   * `{ '.vtt': false }`. Default none. While a policy authorises, other media files are judged as well.
   */
  extensions?: Readonly<Record<string, Protocol | false>> | undefined;
  /**
   * Proxies that may say who the client is, like Express's `trust proxy`. For apps without Express's own setting, which
   * applies if this is absent. Default: the socket's address is the client's.
   */
  trustProxy?: TrustProxy | undefined;
  /**
   * How to tell who is watching another time than live: a list of query parameters, at least one of which then has a value;
   * false: nobody is; or a callback that returns true, false (live) or undefined (it does not say). Default: `from`, `delay`,
   * `dur`, `ago`. A playlist without them means live; a segment without them says nothing, and its viewer keeps what the playlist
   * said.
   */
  dvr?: TimeshiftRule | undefined;
  /** Has the last word on what is tracked: returns the hit, changed or not, or null to let the request pass uncounted. */
  hit?: RequestCallback<[hit: HttpHit], HttpHit | null> | undefined;
  /** How viewer tokens are read, and written into playlists and cookies. Default: read only. */
  viewerToken?: ViewerTokenOptions | undefined;
  /**
   * Lists even viewers who received nothing but errors (404, 500), for any stream name that somebody makes up. Default false: on
   * a stream that has never been served, a viewer is listed once a request succeeds.
   */
  countErrors?: boolean | undefined;
  /**
   * `ready` of `createSources()`: an admitted viewer is held until the source of the stream runs, and is answered with 503 and
   * `Retry-After: 2` if it does not start in time. Default: nobody is held.
   */
  ready?: SourceGate | undefined;
  /** Answers a refused viewer instead of the built-in 401, 403, 429 or 503. */
  onDenied?: RequestCallback<[res: PlaybackResponse, denial: Denial], unknown> | undefined;
}

const KNOWN: readonly (keyof TrackPlaybackOptions)[] = [
  'stream',
  'extensions',
  'trustProxy',
  'viewerToken',
  'dvr',
  'hit',
  'countErrors',
  'ready',
  'onDenied',
];

/** The options, checked and prepared. */
export interface Prepared {
  readonly stream: NonNullable<TrackPlaybackOptions['stream']>;
  readonly types: MediaTypes;
  readonly client: ClientReader;
  readonly timeshift: TimeshiftReader;
  readonly tokens: TokenReader;
  readonly writing: TokenSettings;
  readonly hit: TrackPlaybackOptions['hit'];
  readonly countErrors: boolean;
  readonly ready: SourceGate | undefined;
  readonly onDenied: TrackPlaybackOptions['onDenied'];
}

/** @throws StreamSessionsError ERR_BAD_OPTION */
export function prepare(options: TrackPlaybackOptions): Prepared {
  checkOptions('trackPlayback', options, KNOWN);
  const {
    stream = 'first-segment',
    extensions,
    trustProxy,
    viewerToken,
    hit,
    countErrors = false,
    ready,
    onDenied,
  } = options;
  if (typeof stream !== 'function' && stream !== 'first-segment' && stream !== 'dirname') {
    throw badOption('stream', '"first-segment", "dirname" or a function', stream);
  }
  if (
    extensions !== undefined &&
    (typeof extensions !== 'object' || extensions === null || Array.isArray(extensions))
  ) {
    throw badOption('extensions', 'an object like { ".aac": "hls" }', extensions);
  }
  for (const [name, value] of Object.entries({ hit, ready, onDenied })) {
    if (value !== undefined && typeof value !== 'function') throw badOption(name, 'a function', value);
  }
  if (typeof countErrors !== 'boolean') throw badOption('countErrors', 'true or false', countErrors);
  const writing = tokenSettings(viewerToken);
  const tokens = tokenReader(writing);
  const client = clientReader(trustProxy);
  const timeshift = timeshiftReader(options.dvr);
  const types = new MediaTypes(extensions);
  return { stream, types, client, timeshift, tokens, writing, hit, countErrors, ready, onDenied };
}
