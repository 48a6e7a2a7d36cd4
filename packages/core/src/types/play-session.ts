import type { CLOSE_REASONS, Protocol, SessionKind } from './kinds.js';
import type { Limits } from './limits.js';

/** Why a session ended. Policies and adapters may add their own. */
export type CloseReason = (typeof CLOSE_REASONS)[number] | (string & {});

/**
 * What tells this viewer apart from others: a token, the CMCD `sid`, Apple's playback session id, the user that a
 * connection was authenticated as, or nothing better than address and User-Agent (for a connection: itself).
 */
export type NamedBy = 'token' | 'cmcd' | 'playback-session' | 'user' | 'fingerprint';

/** The playback figures that a player reports about itself. */
export type Quality = Readonly<Record<string, number | string | boolean>>;

/**
 * One viewer watching one stream, over any number of requests or connections; also one publisher or one push. Always a copy,
 * which later events do not change. Times are epoch milliseconds, sizes are bytes.
 */
export interface PlaySession {
  /** 16 hex characters derived from the identity (HTTP), or a UUID (connection). It is the same when a viewer returns. */
  readonly id: string;
  readonly kind: SessionKind;
  /** The stream watched last. */
  readonly stream: string;
  /** All streams of this session, at most 16. More than one only if the recipe leaves `stream` out. */
  readonly streams: readonly string[];
  /** The protocol used last. */
  readonly protocol: Protocol;
  /** All protocols of this session, at most 16. */
  readonly protocols: readonly Protocol[];
  /** The address seen last, normalised: IPv4-mapped IPv6 as IPv4, no port, no zone. */
  readonly ip: string;
  /** All addresses of this session, at most 16. */
  readonly ips: readonly string[];
  readonly userAgent?: string | undefined;
  readonly referer?: string | undefined;
  /** The first hit's query, with token values replaced by their fingerprint. */
  readonly query?: string | undefined;
  /** A short keyed hash that stands for the token in lists, events and logs. */
  readonly tokenFingerprint?: string | undefined;
  /** Only with `exposeTokens: true`. */
  readonly token?: string | undefined;
  /** A name to show: the user a policy named, or else the connection's user, the fingerprint, or the start of the id. */
  readonly userName: string;
  readonly userId?: string | undefined;
  readonly namedBy: NamedBy;
  /** ISO 3166-1 alpha-2, if a `geo` resolver knows the address. */
  readonly country?: string | undefined;
  /** Bytes sent to the client. */
  readonly bytes: number;
  /** Bytes received from the client (publishers). */
  readonly bytesReceived: number;
  readonly secure: boolean;
  /** It is watching another time than live, according to the last hit that said so. */
  readonly dvr: boolean;
  /** Transport connections open now (requests in flight are not counted). */
  readonly connections: number;
  readonly openedAt: number;
  /** When the first byte flowed; for a connection `openedAt`. */
  readonly startedAt?: number | undefined;
  /** Time of the last activity: a hit, touch or byte. */
  readonly updatedAt: number;
  readonly closedAt?: number | undefined;
  readonly closeReason?: CloseReason | undefined;
  /** What the operator or the policy said about it. */
  readonly closeDetail?: string | undefined;
  /** Watch time: from `openedAt` to now, or to the last activity of a closed session. */
  readonly durationMs: number;
  /** The same per protocol, if there was more than one: time counts for the protocol used last. */
  readonly durationMsByProtocol?: Readonly<Record<string, number>> | undefined;
  readonly tags: Readonly<Record<string, string>>;
  readonly quality?: Quality | undefined;
  /** Rates to enforce, according to the policies' latest decisions. */
  readonly limits?: Limits | undefined;
  /**
   * For a session with limits: megabits per second over about the last ten seconds, sent (or received, for a publisher). For a
   * closed session, those before it closed.
   */
  readonly rateMbits?: number | undefined;
  /** In a cluster: the names of the nodes where it was seen lately. */
  readonly nodes?: readonly string[] | undefined;
}

/** The fields of a session that move while somebody watches. */
export type SessionProgress = Pick<
  PlaySession,
  | 'id'
  | 'kind'
  | 'stream'
  | 'streams'
  | 'openedAt'
  | 'updatedAt'
  | 'durationMs'
  | 'bytes'
  | 'bytesReceived'
  | 'connections'
  | 'rateMbits'
>;

/**
 * `openedAt`: oldest first. `-openedAt`: newest first. `-bytes`: most bytes sent first. `-closedAt`: live ones first, then
 * the most recently closed. Ties: newest first; for `openedAt`, by id.
 *
 * The first two read as many rows as a page has; the others examine every row that matches. Bytes grow between pages: no
 * row is repeated, but one that overtakes the last row of a page is missed. One that closes meanwhile appears again.
 */
export type SessionOrder = 'openedAt' | '-openedAt' | '-bytes' | '-closedAt';

/** Which sessions `list`, `count` and `kickAll` apply to. All given fields must match; an empty filter matches all. */
export interface SessionFilter {
  /** Exact stream code. */
  stream?: string | undefined;
  protocol?: Protocol | undefined;
  /** One kind, or any of several. */
  kind?: SessionKind | readonly SessionKind[] | undefined;
  /** `''` or absent: live and recently closed. */
  status?: 'active' | 'closed' | '' | undefined;
  /** Matches `userId` or `userName`. */
  user?: string | undefined;
  ip?: string | undefined;
  country?: string | undefined;
  /** True: only viewers of another time than live; false: only the others. */
  dvr?: boolean | undefined;
  /** `key` (present) or `key=value`. */
  tag?: string | undefined;
  /** Close reason. */
  reason?: CloseReason | undefined;
  /** Part of the user's name or id, an address, the User-Agent or the stream code, in any case. At most 256 characters. */
  search?: string | undefined;
  /**
   * `latest` (default): one row per id, the latest visit; the other filters consider only that one. `all`: also earlier
   * visits of viewers who came back; `id` and `openedAt` together are unique.
   */
  visits?: 'latest' | 'all' | undefined;
  /** How the rows are sorted: see `SessionOrder`. Default `openedAt`. */
  order?: SessionOrder | undefined;
  /** Maximum number of rows; `<= 0` or absent: no limit. */
  limit?: number | undefined;
  /** Continue after this row: `cursorOf(lastRow, order)`. The row itself may be gone by then. */
  after?: string | undefined;
}

/** One live stream, in figures. */
export interface StreamSummary {
  readonly stream: string;
  /** All viewers, whatever time they watch. */
  readonly viewers: number;
  /** Viewers of another time than live. */
  readonly dvr: number;
  readonly inputs: number;
  readonly outputs: number;
  /** Bytes sent since the stream became live, including those to viewers who have left. */
  readonly bytes: number;
}
