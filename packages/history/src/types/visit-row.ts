/** How much of an address is kept: all of it, its /24 (IPv6: /48), or nothing. */
export type IpMode = 'full' | 'truncated' | 'none';

/** A visit as it is written: identifying data that must not be kept has already been removed. Times are epoch milliseconds. */
export interface VisitRow {
  readonly id: string;
  readonly openedAt: number;
  /** The last activity, and at least a second after `openedAt`. */
  readonly endedAt: number;
  readonly closedAt: number | null;
  readonly stream: string;
  readonly kind: string;
  readonly protocol: string;
  readonly protocols: readonly string[];
  readonly ip: string | null;
  readonly country: string | null;
  readonly userName: string;
  readonly namedBy: string;
  /** Identifies a viewer for counting uniques: 64 bits, as a decimal number. */
  readonly viewer: string;
  readonly userAgent: string | null;
  readonly player: string;
  readonly referer: string | null;
  readonly bytes: number;
  readonly bytesReceived: number;
  readonly secure: boolean;
  readonly dvr: boolean;
  readonly closeReason: string | null;
  readonly closeDetail: string | null;
  readonly tags: Readonly<Record<string, string>>;
  readonly quality: Readonly<Record<string, unknown>> | null;
  readonly ipKept: IpMode;
}

/** A refusal as it is written. */
export interface DenialRow {
  readonly id: string;
  readonly deniedAt: number;
  /** Null: for ever. */
  readonly until: number | null;
  readonly stream: string;
  readonly protocol: string;
  readonly ip: string | null;
  readonly userName: string | null;
  readonly reason: string;
  readonly detail: string | null;
  readonly kind: string;
  readonly ipKept: IpMode;
}

/** A record that waits for the database. */
export type JournalRecord =
  | { readonly visit: VisitRow; readonly denial?: undefined }
  | { readonly denial: DenialRow; readonly visit?: undefined };
