/** A request, as far as it is read: that of Node's `http`, and of Express and its kin. */
export interface HeaderRequest {
  readonly method?: string | undefined;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  /** What a parser such as `express.json()` has read, if one ran before. */
  readonly body?: unknown;
}

/** A response, as far as it is written. */
export interface HeaderResponse {
  statusCode: number;
  setHeader(name: string, value: string): unknown;
  end(text?: string): unknown;
}
