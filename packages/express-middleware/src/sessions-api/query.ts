import { isIP } from 'node:net';
import type { SessionFilter, SessionKind, SessionOrder } from '@stream-sessions/core';
import {
  countryOf,
  invalidQuery,
  MAX_ROWS,
  normaliseAddress,
  oneOf,
  protocolOf,
  quoted,
  rowLimit,
  SESSION_KINDS,
} from '@stream-sessions/core/spi';

const STATUSES = ['active', 'closed'] as const;
/** How a query says yes and no. */
export const SWITCH = ['true', 'false'] as const;
const VISITS = ['latest', 'all'] as const;
/** In the terms of the responses. */
const ORDERS: Readonly<Record<string, SessionOrder>> = {
  opened_at: 'openedAt',
  '-opened_at': '-openedAt',
  '-bytes': '-bytes',
  '-closed_at': '-closedAt',
};
/** The bound of core's `search`. */
const MAX_SEARCH = 256;
/** An operator's longer reasons are cut. */
const MAX_REASON = 256;

/** What lists show by default. */
export interface ListSettings {
  /** Undefined: all. */
  readonly kinds: readonly SessionKind[] | undefined;
  /** Unknown query names are ignored, and the first of several values counts. */
  readonly lenient: boolean;
}

/** The query of a request, and the defaults for what it omits. */
export interface Asked {
  readonly query: URLSearchParams;
  readonly lists: ListSettings;
}

/** Each reads one value of the query into the filter. */
const READERS: Readonly<Record<string, (value: string, filter: SessionFilter) => void>> = {
  stream: (value, filter) => (filter.stream = value),
  proto: (value, filter) => (filter.protocol = protocolOf('proto', value)),
  kind: (value, filter) => (filter.kind = oneOf('kind', value, SESSION_KINDS)),
  status: (value, filter) => (filter.status = oneOf('status', value, STATUSES)),
  user: (value, filter) => (filter.user = value),
  ip: (value, filter) => (filter.ip = address(value)),
  country: (value, filter) => (filter.country = countryOf('country', value)),
  dvr: (value, filter) => (filter.dvr = oneOf('dvr', value, SWITCH) === 'true'),
  tag: (value, filter) => (filter.tag = value),
  reason: (value, filter) => (filter.reason = value),
  q: (value, filter) => (filter.search = search(value)),
  visits: (value, filter) => (filter.visits = oneOf('visits', value, VISITS)),
  order: (value, filter) => (filter.order = ORDERS[oneOf('order', value, Object.keys(ORDERS))] as SessionOrder),
  limit: (value, filter) => (filter.limit = rowLimit(value)),
  after: (value, filter) => (filter.after = value),
};

/** Parameters that the list of sessions accepts. */
export const LIST_NAMES: readonly string[] = Object.keys(READERS);

/**
 * The query as a filter; `limit` is always set. An empty value, as a form sends it, counts as absent.
 *
 * @throws ApiError 400
 */
export function readFilter(
  { query, lists }: Asked,
  names: readonly string[] = LIST_NAMES,
): SessionFilter & { limit: number } {
  onlyNames({ query, lists }, names);
  const filter: SessionFilter = {};
  for (const name of names) {
    const value = query.get(name);
    if (value) READERS[name]?.(value, filter);
  }
  if (lists.kinds !== undefined) filter.kind ??= lists.kinds;
  return { ...filter, limit: filter.limit ?? MAX_ROWS };
}

/** An operator's reason in the form that core takes: a copy, because a substring would keep the whole query in memory. */
export const reasonOf = (text: string): string => Buffer.from(text.slice(0, MAX_REASON)).toString();

/** @throws ApiError 400 for a parameter that is unknown here or given twice, unless the API is lenient. */
export function onlyNames({ query, lists }: Asked, names: readonly string[]): void {
  if (lists.lenient) return;
  const allowed = names.length === 0 ? 'This takes no query parameters.' : `Allowed: ${names.join(', ')}.`;
  const seen = new Set<string>();
  for (const name of query.keys()) {
    if (!names.includes(name)) throw invalidQuery(`Unknown query name ${quoted(name)}. ${allowed}`);
    if (seen.has(name)) throw invalidQuery(`${quoted(name)} is given twice.`);
    seen.add(name);
  }
}

/** A number of seconds, in milliseconds; undefined if absent. */
export function seconds(name: string, value: string | null): number | undefined {
  if (value === null || value === '') return undefined;
  if (!/^\d{1,9}(?:\.\d{1,3})?$/.test(value)) {
    throw invalidQuery(
      `${name}: ${quoted(value)} is not a number of seconds. Allowed: 0 to 999999999, to the millisecond.`,
    );
  }
  return Math.round(Number(value) * 1000);
}

function search(value: string): string {
  if (value.length <= MAX_SEARCH) return value;
  throw invalidQuery(`q: this is too long. Allowed: ${MAX_SEARCH} characters.`);
}

function address(value: string): string {
  const normalised = value.length <= 64 ? normaliseAddress(value) : '';
  if (isIP(normalised) !== 0) return normalised;
  throw invalidQuery(`ip: ${quoted(value)} is not an IP address. Allowed: an IPv4 or IPv6 address.`);
}
