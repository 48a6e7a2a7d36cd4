import { anonymous } from './uri.js';

/** One complete RTSP request (RFC 2326 §6). Its texts are slices of what was read: keep only copies. */
export interface RtspRequest {
  /** In upper case, as received: `DESCRIBE`. */
  readonly method: string;
  /** Without user and password. */
  readonly uri: string;
  /** `1.0` */
  readonly version: string;
  /** By name in lower case; repeated headers are joined by `, `. */
  readonly headers: ReadonlyMap<string, string>;
  readonly body: Buffer;
}

/** A request without its body, which may still be arriving. */
export type RequestHead = Omit<RtspRequest, 'body'>;

const MAX_HEADERS = 100;
const REQUEST_LINE = /^([A-Z][A-Z_]{0,31}) ([^\s\x00-\x1f\x7f]+) RTSP\/(\d\.\d)$/; // eslint-disable-line no-control-regex
const RESPONSE_LINE = /^RTSP\/\d\.\d \d{3}(?: |$)/;
const HEADER_NAME = /^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,64}$/;

/**
 * Parses the request line and headers. A response has no method, and is skipped, since we never send requests.
 *
 * @returns undefined if this is not RTSP
 */
export function parseHead(text: string): RequestHead | undefined {
  const [first = '', ...lines] = text.split(/\r?\n/).filter((line) => line !== '');
  const headers = headersOf(lines);
  if (headers === undefined) return undefined;
  if (RESPONSE_LINE.test(first)) return { method: '', uri: '', version: '1.0', headers };
  const [, method, uri, version] = REQUEST_LINE.exec(first) ?? [];
  if (method === undefined || uri === undefined || version === undefined) return undefined;
  return { method, uri: anonymous(uri), version, headers };
}

function headersOf(lines: readonly string[]): Map<string, string> | undefined {
  if (lines.length > MAX_HEADERS) return undefined;
  const headers = new Map<string, string>();
  for (const line of lines) {
    // By hand: a single pattern for everything takes quadratic time on many blanks.
    const colon = line.indexOf(':');
    const name = line.slice(0, Math.max(colon, 0)).trimEnd();
    // Other parsers, possibly the app's, treat a lone carriage return as the end of a line, but this one does not.
    if (!HEADER_NAME.test(name) || line.includes('\r')) return undefined;
    const key = name.toLowerCase();
    const value = line.slice(colon + 1).trim();
    const before = headers.get(key);
    headers.set(key, before === undefined ? value : `${before}, ${value}`);
  }
  return headers;
}

/** The length of the body (§12.14). @returns undefined if it is ambiguous */
export function bodyLength(head: RequestHead): number | undefined {
  const given = head.headers.get('content-length');
  if (given === undefined) return 0;
  return /^\d{1,9}$/.test(given) ? Number(given) : undefined;
}
