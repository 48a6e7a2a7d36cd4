/** One value of a metric. */
export interface Sample {
  readonly labels: Readonly<Record<string, string>>;
  value: number;
  /** For a summary: which of its two values this is. */
  readonly part?: 'sum' | 'count';
}
