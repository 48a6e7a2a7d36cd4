import { isIP } from 'node:net';
import type { SessionFilter } from '@stream-sessions/core';
import { normaliseAddress } from '@stream-sessions/core/spi';
import { invalidQuery } from './answer.js';

/** Rows of one page at the most, and when nothing else is asked for. */
export const MAX_LIMIT = 1000;

const KINDS = ['viewer', 'input', 'output', 'unspecified'];
const STATUSES = ['active', 'closed'];

/** Reads one value of the query into the filter. */
const READERS: Readonly<Record<string, (value: string, filter: SessionFilter) => void>> = {
  stream: (value, filter) => (filter.stream = value),
  proto: (value, filter) => (filter.protocol = word('proto', value)),
  kind: (value, filter) => (filter.kind = oneOf('kind', value, KINDS) as NonNullable<SessionFilter['kind']>),
  status: (value, filter) => (filter.status = oneOf('status', value, STATUSES) as NonNullable<SessionFilter['status']>),
  user: (value, filter) => (filter.user = value),
  ip: (value, filter) => (filter.ip = address(value)),
  country: (value, filter) => (filter.country = country(value)),
  reason: (value, filter) => (filter.reason = value),
  limit: (value, filter) => (filter.limit = limit(value)),
  after: (value, filter) => (filter.after = value),
};

/** Names that the list of sessions takes. */
export const LIST_NAMES: readonly string[] = Object.keys(READERS);

/**
 * The query as a filter; `limit` is always set. An empty value is as good as none, as a form sends it.
 *
 * @throws ApiError 400
 */
export function readFilter(
  query: URLSearchParams,
  names: readonly string[] = LIST_NAMES,
): SessionFilter & { limit: number } {
  onlyNames(query, names);
  const filter: SessionFilter = {};
  for (const [name, value] of query) if (value !== '') READERS[name]?.(value, filter);
  return { ...filter, limit: filter.limit ?? MAX_LIMIT };
}

/** @throws ApiError 400 for a name that is not known here, or given twice. */
export function onlyNames(query: URLSearchParams, names: readonly string[]): void {
  const allowed = names.length === 0 ? 'This takes no query.' : `Allowed: ${names.join(', ')}.`;
  const seen = new Set<string>();
  for (const name of query.keys()) {
    if (!names.includes(name)) throw invalidQuery(`Unknown query name ${quoted(name)}. ${allowed}`);
    if (seen.has(name)) throw invalidQuery(`${quoted(name)} is given twice.`);
    seen.add(name);
  }
}

/** `limit` alone: absent, 0 and what is too much mean the most. */
export function limit(value: string | null): number {
  if (value === null || value === '') return MAX_LIMIT;
  if (!/^\d{1,15}$/.test(value))
    throw invalidQuery(`limit: ${quoted(value)} is no number. Allowed: 0 to ${MAX_LIMIT}.`);
  const number = Number(value);
  return number === 0 || number > MAX_LIMIT ? MAX_LIMIT : number;
}

/** A number of seconds as milliseconds; undefined when absent. */
export function seconds(name: string, value: string | null): number | undefined {
  if (value === null || value === '') return undefined;
  if (!/^\d{1,9}(?:\.\d{1,3})?$/.test(value)) {
    throw invalidQuery(`${name}: ${quoted(value)} is no number of seconds. Allowed: 0 to 999999999.`);
  }
  return Math.round(Number(value) * 1000);
}

function oneOf(name: string, value: string, allowed: readonly string[]): string {
  if (allowed.includes(value)) return value;
  throw invalidQuery(`${name}: ${quoted(value)} is not known. Allowed: ${allowed.join(', ')}.`);
}

/** Adapters bring protocols of their own: any word will do. */
function word(name: string, value: string): string {
  if (/^[a-z0-9][a-z0-9._+-]{0,31}$/i.test(value)) return value.toLowerCase();
  throw invalidQuery(`${name}: ${quoted(value)} is no protocol. Allowed: a word such as hls, dash, rtmp, rtsp, srt.`);
}

function address(value: string): string {
  const normalised = value.length <= 64 ? normaliseAddress(value) : '';
  if (isIP(normalised) !== 0) return normalised;
  throw invalidQuery(`ip: ${quoted(value)} is no address. Allowed: an IPv4 or IPv6 address.`);
}

function country(value: string): string {
  if (/^[a-z]{2}$/i.test(value)) return value.toUpperCase();
  throw invalidQuery(`country: ${quoted(value)} is no country. Allowed: two letters of ISO 3166-1, such as DE.`);
}

const quoted = (value: string): string => JSON.stringify(value.slice(0, 64));
