/** What a pass is measured by: time (0), data (1), or both, whichever is used up first (2). */
export const PASS_TYPES = Object.freeze({ time: 0, data: 1, time_or_data: 2 } as const);

/** A value of `PASS_TYPES`. */
export type PassType = (typeof PASS_TYPES)[keyof typeof PASS_TYPES];

/** What an owner has bought, and how much of it is used up. Times are epoch milliseconds. */
export interface SessionData {
  /** Its seller; `''` for the book's own passes. */
  readonly provider: string;
  readonly type: PassType;
  /** Seconds that may be watched. Types 0 and 2. */
  readonly timeSecs: number;
  /** Megabytes (1,000,000 bytes) that may flow, in both directions together. Types 1 and 2. */
  readonly dataMb: number;
  /** Seconds that were watched, to the millisecond. Types 0 and 2. */
  readonly timeCons: number;
  /** Megabytes that have flowed, to the byte. Types 1 and 2. */
  readonly dataCons: number;
  /** When it was first used; null: not yet. */
  readonly startedAt: number | null;
  /** Days of 24 hours that it then lasts, besides `timeSecs`; null: it never expires. */
  readonly expDays: number | null;
  /** Megabits per second to the viewer; 0: no limit. */
  readonly downMbits: number;
  /** Megabits per second from the viewer, if it publishes; 0: no limit. */
  readonly upMbits: number;
  /** True: the book's `globalSpeed` applies instead of the two limits above. */
  readonly useGlobalSpeed: boolean;
  readonly createdAt: number;
}

/** The terms on which a pass is bought. Omitted fields are 0, null or false. */
export interface PassTerms {
  type: PassType;
  /** Seconds; up to 3,153,600,000, which is a hundred years. */
  timeSecs?: number | undefined;
  /** Megabytes of 1,000,000 bytes; up to 1,000,000,000. */
  dataMb?: number | undefined;
  /** Days of 24 hours; up to 36,500. Null: never. */
  expDays?: number | null | undefined;
  /** Megabits per second; 0: no limit. */
  downMbits?: number | undefined;
  upMbits?: number | undefined;
  useGlobalSpeed?: boolean | undefined;
}
