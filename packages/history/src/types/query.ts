import type { IpMode } from './visit-row.js';

/** A visit as it is recorded: a session from opening to closing. Times are epoch milliseconds, sizes bytes. */
export interface Visit {
  /** The id of the session; unique together with `openedAt`. A keyed hash of it, if addresses are not kept in full. */
  readonly id: string;
  readonly openedAt: number;
  /** The last activity, and at least a second after `openedAt`: the visit counts as present between the two. */
  readonly endedAt: number;
  /** Absent: it is live, as far as is known. */
  readonly closedAt?: number;
  readonly durationMs: number;
  readonly stream: string;
  readonly kind: string;
  readonly protocol: string;
  readonly protocols: readonly string[];
  /** An address, or a network such as `203.0.113.0/24`. */
  readonly ip?: string;
  readonly ipKept: IpMode;
  readonly country?: string;
  readonly userName: string;
  readonly namedBy: string;
  readonly userAgent?: string;
  /** `Chrome`, `VLC`, `unknown`. */
  readonly player: string;
  readonly referer?: string;
  readonly bytes: number;
  readonly bytesReceived: number;
  readonly secure: boolean;
  readonly dvr: boolean;
  readonly closeReason?: string;
  readonly closeDetail?: string;
  readonly tags: Readonly<Record<string, string>>;
  readonly quality?: Readonly<Record<string, unknown>>;
}

/** Which visits. All given fields must match; an empty filter matches all. */
export interface VisitFilter {
  /** Visits that were present at some time from `from` (epoch milliseconds) on. */
  readonly from?: number | undefined;
  /** Visits that were present at some time before `to` (epoch milliseconds). */
  readonly to?: number | undefined;
  readonly stream?: string | undefined;
  /** The name that the list shows. */
  readonly user?: string | undefined;
  /** An address, or a block such as `203.0.113.0/24`. */
  readonly ip?: string | undefined;
  readonly country?: string | undefined;
  /** Close reason. */
  readonly reason?: string | undefined;
  /** The protocol used most recently. */
  readonly protocol?: string | undefined;
  readonly kind?: string | undefined;
  /** `key` (present) or `key=value`. */
  readonly tag?: string | undefined;
  readonly minDurationMs?: number | undefined;
  readonly maxDurationMs?: number | undefined;
  /** Rows per page, at most 1,000. Default 1,000. */
  readonly limit?: number | undefined;
  /** The `next` of the previous page. */
  readonly after?: string | undefined;
}

/** A page of visits, latest first. */
export interface VisitPage {
  readonly visits: readonly Visit[];
  /** The number of matches on all pages. */
  readonly total: number;
  /** For the next page; undefined: this is the last one. */
  readonly next: string | undefined;
}

/** A period in epoch milliseconds, and a stream. Without `stream`: all streams. */
export interface SummaryQuery {
  readonly stream?: string | undefined;
  readonly from: number;
  readonly to: number;
}

/** Figures of one country, protocol, player or reason. */
export interface Share {
  /** `DE`, `hls`, `VLC`, `idle`. Empty: unknown. */
  readonly key: string;
  readonly views: number;
  readonly watchMs: number;
  readonly bytes: number;
}

/** What happened in a period. Counted in whole minutes, or in whole hours where minutes are no longer kept. */
export interface Summary {
  /** Epoch milliseconds: the requested period, rounded outwards. */
  readonly from: number;
  readonly to: number;
  /** Visits that opened in this period. */
  readonly views: number;
  /** The number of different viewers of each UTC day, added up: a viewer who comes every day is counted every day. */
  readonly uniquesByDay: number;
  /** The most concurrent viewers, and when that was first reached; undefined: there were none. */
  readonly peak: number;
  readonly peakAt: number | undefined;
  /** The average number of concurrent viewers. */
  readonly average: number;
  readonly watchMs: number;
  readonly bytes: number;
  /** For viewers of another time than live. They are included in the figures above. */
  readonly dvr: Omit<Share, 'key'>;
  /** The ten with the longest watch time. */
  readonly countries: readonly Share[];
  readonly protocols: readonly Share[];
  readonly players: readonly Share[];
  readonly reasons: readonly Share[];
}

/** Concurrent viewers over time. */
export interface ConcurrencyQuery extends SummaryQuery {
  /** Milliseconds: a minute or a multiple of it; an hour or a multiple where minutes are no longer kept. Default five minutes. */
  readonly stepMs?: number | undefined;
}

/** One step. */
export interface ConcurrencyPoint {
  /** The start of the step, in epoch milliseconds. */
  readonly at: number;
  readonly peak: number;
  readonly average: number;
  /** Visits that opened in this step. */
  readonly views: number;
}

/** The figure by which streams are sorted. */
export type StreamOrder = 'watch' | 'views' | 'peak' | 'bytes';

/** The most-watched streams. */
export interface TopStreamsQuery {
  readonly from: number;
  readonly to: number;
  /** Default `watch`. */
  readonly order?: StreamOrder | undefined;
  /** At most 1,000. Default 10. */
  readonly limit?: number | undefined;
}

/** The figures of one stream. */
export interface StreamFigures {
  readonly stream: string;
  readonly views: number;
  readonly peak: number;
  readonly peakAt: number | undefined;
  readonly watchMs: number;
  readonly bytes: number;
}

/** One broadcast: from a publisher's opening to its end. */
export interface Broadcast {
  readonly publisher: Visit;
  readonly summary: Summary;
  /** How many different people watched it. Undefined: its visits are gone, and it had not been counted. */
  readonly uniques: number | undefined;
}
