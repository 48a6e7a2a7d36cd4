import { parseObject } from '@stream-sessions/core/spi';

/** What is to be sent, in the form stored in the journal. */
export interface Sent {
  /** `webhook-id` */
  readonly id: string;
  /** Epoch milliseconds. */
  readonly at: number;
  /** `session.opened` */
  readonly type: string;
  readonly stream_code: string;
  readonly seq?: number;
  readonly payload: Readonly<Record<string, unknown>>;
}

/** Marks an event that begins or ends a visit. */
export interface VisitMark {
  readonly visit: string;
  readonly is: 'open' | 'over';
}

/** Lines of the journal. `e` is the name of an endpoint, `n` the number of an event. */
export type JournalRecord =
  | {
      readonly k: 'event';
      readonly n: number;
      readonly to: readonly string[];
      readonly mark?: VisitMark;
      readonly event: Sent;
    }
  /** It was delivered or given up. */
  | { readonly k: 'done'; readonly n: number; readonly e: string }
  | { readonly k: 'dead'; readonly n: number; readonly e: string; readonly at: number; readonly error: string }
  /** A dead letter is sent again. */
  | { readonly k: 'again'; readonly n: number; readonly e: string }
  /** 410, and the operator's reaction to it. */
  | { readonly k: 'gone'; readonly e: string }
  | { readonly k: 'back'; readonly e: string };

/** What every line begins with. */
export const LINE_START = '{"k":"';

/** Whether a file that begins so may be a journal: empty, cut short, or left as zeros by a power cut. */
export const isJournal = (start: string): boolean => LINE_START.startsWith(start) || start.startsWith('\0');

/** Undefined: the line was cut short by a crash, damaged, or is not ours. */
export function parseRecord(line: string): JournalRecord | undefined {
  const record = parseObject(line) as Fields | undefined;
  return record !== undefined && isRecord(record) ? (record as unknown as JournalRecord) : undefined;
}

type Fields = Readonly<Record<string, unknown>>;
const isObject = (value: unknown): value is Fields => typeof value === 'object' && value !== null;

function isRecord({ k, n, e, to, at, mark, event }: Fields): boolean {
  const isOfEndpoint = typeof e === 'string';
  if (k === 'gone' || k === 'back') return isOfEndpoint;
  if (!Number.isSafeInteger(n)) return false;
  if (k === 'event') return Array.isArray(to) && isSent(event) && (mark === undefined || isMark(mark));
  if (k === 'dead') return isOfEndpoint && typeof at === 'number';
  return isOfEndpoint && (k === 'done' || k === 'again');
}

const isSent = (event: unknown): boolean =>
  isObject(event) && typeof event['id'] === 'string' && typeof event['at'] === 'number' && isObject(event['payload']);

const isMark = (mark: unknown): boolean => isObject(mark) && typeof mark['visit'] === 'string';
