import { badOption, checkOptions } from '@stream-sessions/core/spi';

/** How `trackPlayback()` reads and writes viewer tokens. Everything has a default. */
export interface ViewerTokenOptions {
  /** The query parameter that carries the token. Default: `token` and `tkn` are read, `tkn` is written. */
  parameter?: string | undefined;
  /** The cookie that carries the token. Default: `token` and `tkn` are read, `tkn` is written. */
  cookie?: string | undefined;
  /** Read the token from the URL, which takes precedence over a cookie. Default true. */
  readUrl?: boolean | undefined;
  /** Read the token from a cookie. Default true. */
  readCookie?: boolean | undefined;
  /**
   * Write the token into the URIs of playlists and manifests. Default: only while a policy authorises, because stock players drop
   * the playlist's query on segments; but no token that came in a cookie. True: always, including those.
   */
  writeUrl?: boolean | undefined;
  /** Give viewers without a token a random one in a cookie, for ten minutes at a time. Default false. */
  writeCookie?: boolean | undefined;
  /** Write only into URIs of playlists and manifests, so that caches can share segments. Default false. */
  playlistsOnly?: boolean | undefined;
}

/** The options, checked, with their defaults. */
export interface TokenSettings {
  readonly parameters: readonly string[];
  readonly cookies: readonly string[];
  readonly writtenParameter: string;
  readonly writtenCookie: string;
  readonly readUrl: boolean;
  readonly readCookie: boolean;
  /** Undefined: depends on the policies. */
  readonly writeUrl: boolean | undefined;
  readonly writeCookie: boolean;
  readonly playlistsOnly: boolean;
}

const NAMES = ['parameter', 'cookie'] as const;
const SWITCHES = ['readUrl', 'readCookie', 'writeUrl', 'writeCookie', 'playlistsOnly'] as const;
/** The defaults to read: ours and MistServer's. The latter is written. */
const READ = ['token', 'tkn'];
const WRITTEN = 'tkn';
/** Names that need no escape in a query, nor in a cookie's name. */
const PLAIN_NAME = /^[A-Za-z0-9._~-]{1,64}$/;

/** @throws StreamSessionsError ERR_BAD_OPTION */
export function tokenSettings(options: ViewerTokenOptions = {}): TokenSettings {
  if (typeof options !== 'object' || options === null) throw badOption('viewerToken', 'an object', options);
  checkOptions('viewerToken', options, [...NAMES, ...SWITCHES]);
  for (const name of NAMES) {
    const value: unknown = options[name];
    if (value === undefined || (typeof value === 'string' && PLAIN_NAME.test(value))) continue;
    throw badOption(`viewerToken.${name}`, 'a name of letters, digits and . _ ~ -', value);
  }
  for (const name of SWITCHES) {
    const value: unknown = options[name];
    if (value !== undefined && typeof value !== 'boolean')
      throw badOption(`viewerToken.${name}`, 'true or false', value);
  }
  const { parameter, cookie, readUrl = true, readCookie = true, writeUrl } = options;
  const { writeCookie = false, playlistsOnly = false } = options;
  return {
    parameters: parameter === undefined ? READ : [parameter],
    cookies: cookie === undefined ? READ : [cookie],
    writtenParameter: parameter ?? WRITTEN,
    writtenCookie: cookie ?? WRITTEN,
    readUrl,
    readCookie,
    writeUrl,
    writeCookie,
    playlistsOnly,
  };
}
