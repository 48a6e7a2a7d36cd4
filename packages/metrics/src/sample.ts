/** One number of a metric. */
export interface Sample {
  readonly labels: Readonly<Record<string, string>>;
  value: number;
  /** Of a summary: which of its two numbers this is. */
  readonly part?: 'sum' | 'count';
}
