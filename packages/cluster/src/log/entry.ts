/** A node's position in the log. */
export interface Position {
  readonly n: number;
  readonly tag: string;
  /** Identifies the life of the log's bucket. */
  readonly epoch: string;
}

/** An entry of the log, as the script wrote it: number, tag, previous tag, epoch, body. */
export interface LogEntry extends Position {
  readonly previous: string;
  readonly body: string;
}

export function readEntry(text: string): LogEntry | undefined {
  const found = /^(\d+) (\S+) (\S+) (\S+) ([^]*)$/.exec(text);
  if (found === null) return undefined;
  const [, n, tag = '', previous = '', epoch = '', body = ''] = found;
  return { n: Number(n), tag, previous, epoch, body };
}

/** True if nothing lies between them. */
export const follows = (entry: LogEntry, { n, tag, epoch }: Position): boolean =>
  entry.epoch === epoch && entry.n === n + 1 && entry.previous === tag;

/** True if it existed at that position. */
export const isUpTo = (entry: Position, { n, epoch }: Position): boolean => entry.epoch === epoch && entry.n <= n;

export const isSame = (a: Position, b: Position): boolean => a.n === b.n && a.tag === b.tag && a.epoch === b.epoch;

/** A row of the table of what is in force. */
export interface TableRow {
  /** The number of its entry. */
  readonly n: number;
  readonly body: string;
}

/** A row, as it is kept: number and body. */
export function readRow(row: string): TableRow {
  const space = row.indexOf(' ');
  return { n: Number(row.slice(0, space)), body: row.slice(space + 1) };
}
