/** Options of the guard, with their defaults. */
export interface Limits {
  readonly startTimeoutMs: number;
  readonly maxMessageBytes: number;
  readonly maxGopBytes: number;
}
