import type { IpMode } from './visit-row.js';

/** A visit as it is kept: a session from opening to closing. Times are epoch milliseconds, sizes bytes. */
export interface Visit {
  /** The id of the session; with `openedAt` it is unique. A keyed hash of it, if not all of the address is kept. */
  readonly id: string;
  readonly openedAt: number;
  /** The last activity, and at least a second after `openedAt`: from the one to the other, the visit counts as present. */
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
  /** Those that were there at some time from `from` (epoch milliseconds) on. */
  readonly from?: number;
  /** Those that were there at some time before `to` (epoch milliseconds). */
  readonly to?: number;
  readonly stream?: string;
  /** The name that the list shows. */
  readonly user?: string;
  /** An address, or a block such as `203.0.113.0/24`. */
  readonly ip?: string;
  readonly country?: string;
  /** Close reason. */
  readonly reason?: string;
  /** The protocol used last. */
  readonly protocol?: string;
  readonly kind?: string;
  /** `key` (present) or `key=value`. */
  readonly tag?: string;
  readonly minDurationMs?: number;
  readonly maxDurationMs?: number;
  /** Rows of a page, at most 1,000. Default 1,000. */
  readonly limit?: number;
  /** The `next` of the page before. */
  readonly after?: string;
}

/** A page of visits, the latest first. */
export interface VisitPage {
  readonly visits: readonly Visit[];
  /** How many match, on all pages. */
  readonly total: number;
  /** For the next page; undefined: this is the last one. */
  readonly next: string | undefined;
}

/** From when to when, epoch milliseconds, and of which stream. Without `stream`: of all. */
export interface SummaryQuery {
  readonly stream?: string;
  readonly from: number;
  readonly to: number;
}

/** Figures of one country, protocol, player or reason. */
export interface Share {
  /** `DE`, `hls`, `VLC`, `idle`. Empty: nobody knows. */
  readonly key: string;
  readonly views: number;
  readonly watchMs: number;
  readonly bytes: number;
}

/** What happened in some time. It is counted in whole minutes, and in whole hours where minutes are no longer kept. */
export interface Summary {
  /** Epoch milliseconds: as asked, rounded outwards. */
  readonly from: number;
  readonly to: number;
  /** Visits that opened in this time. */
  readonly views: number;
  /** Of each day in UTC how many different people, added up: who comes every day is counted every day. */
  readonly uniquesByDay: number;
  /** How many were there at once at the most, and when that was first so; undefined: nobody was there. */
  readonly peak: number;
  readonly peakAt: number | undefined;
  /** How many were there on average. */
  readonly average: number;
  readonly watchMs: number;
  readonly bytes: number;
  /** Of those who watched another time than live. They are in the figures above, too. */
  readonly dvr: Omit<Share, 'key'>;
  /** The ten that were watched longest. */
  readonly countries: readonly Share[];
  readonly protocols: readonly Share[];
  readonly players: readonly Share[];
  readonly reasons: readonly Share[];
}

/** How many were there at once. */
export interface ConcurrencyQuery extends SummaryQuery {
  /** Milliseconds: a minute or a multiple of it; an hour or a multiple where minutes are no longer kept. Default five minutes. */
  readonly stepMs?: number;
}

/** One step. */
export interface ConcurrencyPoint {
  /** Where it begins, epoch milliseconds. */
  readonly at: number;
  readonly peak: number;
  readonly average: number;
  /** Visits that opened in it. */
  readonly views: number;
}

/** By which figure streams are sorted. */
export type StreamOrder = 'watch' | 'views' | 'peak' | 'bytes';

/** The streams that were watched most. */
export interface TopStreamsQuery {
  readonly from: number;
  readonly to: number;
  /** Default `watch`. */
  readonly order?: StreamOrder;
  /** At most 1,000. Default 10. */
  readonly limit?: number;
}

/** One of them. */
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
