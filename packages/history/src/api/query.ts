import {
  type ApiError,
  countryOf,
  invalidQuery,
  isDay,
  oneOf,
  parseBlock,
  protocolOf,
  quoted,
  rowLimit,
  SESSION_KINDS,
} from '@stream-sessions/core/spi';
import { type BadStep, MAX_POINTS } from '../query/bad-step.js';
import { isTime } from '../query/filter.js';
import type { VisitFilter } from '../types/query.js';

/** The query parameters for the fields of a filter, and how their values are parsed. */
const FILTER: Readonly<Record<string, readonly [keyof VisitFilter, (name: string, value: string) => unknown]>> = {
  from: ['from', time],
  to: ['to', time],
  stream: ['stream', text],
  user: ['user', text],
  ip: ['ip', block],
  country: ['country', countryOf],
  reason: ['reason', text],
  proto: ['protocol', protocolOf],
  kind: ['kind', (name, value) => oneOf(name, value, SESSION_KINDS)],
  tag: ['tag', text],
  min_sec: ['minDurationMs', milliseconds],
  max_sec: ['maxDurationMs', milliseconds],
  limit: ['limit', (_name, value) => rowLimit(value)],
  after: ['after', text],
};

/** A day alone is its midnight, UTC. */
const RFC3339 = /^(\d{4}-\d\d-\d\d)(?:T\d\d:\d\d(?::\d\d(?:\.\d{1,3})?)?(?:Z|[+-]\d\d:\d\d))?$/;
/** Longer than any spelling of an address or a block. */
const MAX_BLOCK_LENGTH = 64;

/** For a list; an export has no pages. */
export const FILTER_NAMES: readonly string[] = Object.keys(FILTER);
export const EXPORT_NAMES = FILTER_NAMES.filter((name) => name !== 'limit' && name !== 'after');

/** @throws ApiError 400 */
export function filterFrom(query: URLSearchParams): VisitFilter {
  const fields: Record<string, unknown> = {};
  for (const [name, [field, read]] of Object.entries(FILTER)) {
    const value = query.get(name);
    if (value) fields[field] = read(name, value);
  }
  return fields;
}

/**
 * Reads the period: both ends are required.
 *
 * @throws ApiError 400
 */
export function timeFrom(query: URLSearchParams): { from: number; to: number; stream?: string } {
  const [from, to, stream] = ['from', 'to', 'stream'].map((name) => query.get(name));
  if (!from || !to) throw invalidQuery('from and to are needed: RFC 3339, such as 2026-01-31T12:00:00Z.');
  const period = { from: time('from', from), to: time('to', to) };
  if (period.to <= period.from) throw invalidQuery(`to: ${quoted(to)} is not after from. Allowed: a later time.`);
  return { ...period, ...(stream ? { stream } : {}) };
}

/** @throws ApiError 400 for a parameter that is unknown here or given twice */
export function onlyNames(query: URLSearchParams, names: readonly string[]): void {
  const seen = new Set<string>();
  for (const name of query.keys()) {
    if (!names.includes(name)) throw invalidQuery(`Unknown query name ${quoted(name)}. Allowed: ${names.join(', ')}.`);
    if (seen.has(name)) throw invalidQuery(`${quoted(name)} is given twice.`);
    seen.add(name);
  }
}

function text(_name: string, value: string): string {
  return value;
}

function time(name: string, value: string): number {
  const [, day] = RFC3339.exec(value) ?? [];
  const at = Date.parse(value);
  if (day !== undefined && isDay(day) && isTime(at)) return at;
  throw invalidQuery(`${name}: ${quoted(value)} is not a time. Allowed: RFC 3339, such as 2026-01-31T12:00:00Z.`);
}

/** An address in the one spelling that visits have, or a block. */
function block(name: string, value: string): string {
  const found = value.length <= MAX_BLOCK_LENGTH ? parseBlock(value) : undefined;
  if (found !== undefined)
    return found.prefixLength === undefined ? found.address : `${found.address}/${found.prefixLength}`;
  throw invalidQuery(
    `${name}: ${quoted(value)} is not an IP address. Allowed: an IPv4 or IPv6 address, or a block such as 203.0.113.0/24.`,
  );
}

function milliseconds(name: string, value: string): number {
  return whole(name, value) * 1_000;
}

function whole(name: string, value: string): number {
  if (!/^\d{1,9}$/.test(value)) throw invalidQuery(`${name}: ${quoted(value)} is not a whole number.`);
  return Number(value);
}

/**
 * The length of steps, in milliseconds; undefined if absent.
 *
 * @throws ApiError 400
 */
export function stepFrom(query: URLSearchParams): number | undefined {
  const value = query.get('step');
  return value ? whole('step', value) * 1_000 : undefined;
}

/** What the database has no figures for, in the terms of the query. */
export function badStep({ unitMs }: BadStep): ApiError {
  if (unitMs === undefined)
    return invalidQuery(
      `step: there would be more than ${MAX_POINTS} steps. Allowed: longer steps, or a shorter time.`,
    );
  const why = unitMs > 60_000 ? ', because only hours are kept of that time' : '';
  return invalidQuery(`step: allowed are multiples of ${unitMs / 1_000} seconds${why}.`);
}
