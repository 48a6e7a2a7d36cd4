/** Rates that a transport should enforce, in megabits per second. */
export interface Limits {
  readonly downMbits?: number | undefined;
  readonly upMbits?: number | undefined;
}
