/** The part of a request that is read: from Node's `http`, Express or a similar framework. */
export interface HeaderRequest {
  readonly method?: string | undefined;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  /** The result of a parser such as `express.json()`, if one ran before. */
  readonly body?: unknown;
}

/** The part of a response that is written. */
export interface HeaderResponse {
  statusCode: number;
  setHeader(name: string, value: string): unknown;
  end(text?: string): unknown;
}
