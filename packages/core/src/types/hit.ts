import type { Protocol, SessionKind } from './kinds.js';

/**
 * What the client offered to prove who it is. A bearer token has at most 8,192 characters. A password is never stored:
 * `verify` compares it where it arrived.
 */
export type Credentials =
  { scheme: 'bearer'; token: string } | { scheme: 'basic' | 'digest'; user: string; verify(password: string): boolean };

/** What an HTTP transport saw of one request, already normalised. */
export interface HttpHit {
  /** The stream code: see `streamCode()`. At most 256 characters. */
  stream: string;
  protocol: Protocol;
  /** Default `viewer`. */
  kind?: SessionKind | undefined;
  /** The client's address, without port. */
  ip: string;
  userAgent?: string | undefined;
  referer?: string | undefined;
  /** The raw query string, without `?`. Token values in it are replaced before it is stored. */
  query?: string | undefined;
  /** The viewer token: it tells viewers apart, but grants nothing by itself. At most 4,096 characters. */
  token?: string | undefined;
  /** CMCD session id (CTA-5004 `sid`). */
  sid?: string | undefined;
  /** Apple's `X-Playback-Session-Id`. */
  playerSessionId?: string | undefined;
  secure?: boolean | undefined;
  /**
   * True if the viewer asks for another time than live, false if for live: the session follows. Absent: the hit does not say, as
   * with segments, and the session keeps its value (initially live).
   */
  dvr?: boolean | undefined;
  /** For `trackHttp` only: the body bytes that were written. */
  bytes?: number | undefined;
  /**
   * For `trackHttp` only: the status of the response. An error (400 or more) opens no session on a stream that has never been
   * served. Default: a success.
   */
  status?: number | undefined;
  /**
   * For `admit` only: the response may still be an error. On a stream that has never been served, the session is in no list,
   * emits no event and is not counted until `handle.served()`. Default false.
   */
  tentative?: boolean | undefined;
  /**
   * Keeps the session for this many milliseconds from this hit on, even if nothing else comes: for clients that report their
   * presence at intervals. Watch time still ends with the last activity. At most 24 hours. Default: its protocol's idle timeout.
   */
  keepMs?: number | undefined;
  url?: string | undefined;
  credentials?: Credentials | undefined;
  /**
   * Your own query parameters that carry secrets: their values are hidden wherever query, URL or referer are kept or
   * shown. `token`, `tkn` and the usual ones (`access_token`, `password` …) always are.
   */
  secretParameters?: readonly string[] | undefined;
}

/** What a transport of connections (RTMP, RTSP, SRT, WebSocket …) saw when a client asked to play or publish. */
export interface ConnHit {
  /** Your own id for the session, unique among live ones. Default: a new UUID. */
  id?: string | undefined;
  /** The stream code: see `streamCode()`. At most 256 characters. */
  stream: string;
  protocol: Protocol;
  /** Default `viewer`. */
  kind?: SessionKind | undefined;
  /** `1.2.3.4:9000`, `[::1]:9000` or a bare address. */
  remoteAddress: string;
  userAgent?: string | undefined;
  query?: string | undefined;
  token?: string | undefined;
  /** The user, if the transport itself has authenticated one. At most 1,024 characters. */
  userId?: string | undefined;
  secure?: boolean | undefined;
  /** As for a request: a merged session is kept this long after the last connection has closed. */
  keepMs?: number | undefined;
  url?: string | undefined;
  credentials?: Credentials | undefined;
  /**
   * Your own query parameters that carry secrets: their values are hidden wherever query, URL or referer are kept or
   * shown. `token`, `tkn` and the usual ones (`access_token`, `password` …) always are.
   */
  secretParameters?: readonly string[] | undefined;
}

/** Either of them, without its address, which is resolved once and used in its normalised form. */
export type HitFacts = Omit<HttpHit, 'ip'> & Partial<Omit<ConnHit, 'remoteAddress'>>;
