import { invalidQuery } from '@stream-sessions/core/spi';
import type { VisitFilter } from '../types/query.js';

/** The query parameters for the fields of a filter, and how their values are parsed. */
const FILTER: Readonly<Record<string, readonly [keyof VisitFilter, (name: string, value: string) => unknown]>> = {
  from: ['from', time],
  to: ['to', time],
  stream: ['stream', text],
  user: ['user', text],
  ip: ['ip', text],
  country: ['country', text],
  reason: ['reason', text],
  proto: ['protocol', text],
  kind: ['kind', text],
  tag: ['tag', text],
  min_sec: ['minDurationMs', milliseconds],
  max_sec: ['maxDurationMs', milliseconds],
  limit: ['limit', whole],
  after: ['after', text],
};

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
  return { from: time('from', from), to: time('to', to), ...(stream ? { stream } : {}) };
}

/** @throws ApiError 400 for a parameter that is unknown here or given twice */
export function onlyNames(query: URLSearchParams, names: readonly string[]): void {
  const seen = new Set<string>();
  for (const name of query.keys()) {
    if (!names.includes(name))
      throw invalidQuery(`Unknown query name ${JSON.stringify(name.slice(0, 64))}. Allowed: ${names.join(', ')}.`);
    if (seen.has(name)) throw invalidQuery(`${JSON.stringify(name)} is given twice.`);
    seen.add(name);
  }
}

function text(_name: string, value: string): string {
  return value;
}

function time(name: string, value: string): number {
  const at = /^\d{4}-\d\d-\d\d(?:T\d\d:\d\d(?::\d\d(?:\.\d{1,3})?)?(?:Z|[+-]\d\d:\d\d))?$/.test(value)
    ? Date.parse(value)
    : NaN;
  if (Number.isNaN(at))
    throw invalidQuery(`${name}: this is not a time. Allowed: RFC 3339, such as 2026-01-31T12:00:00Z.`);
  return at;
}

function milliseconds(name: string, value: string): number {
  return whole(name, value) * 1_000;
}

/** @throws ApiError 400 */
export function whole(name: string, value: string): number {
  if (!/^\d{1,9}$/.test(value)) throw invalidQuery(`${name}: this is not a whole number.`);
  return Number(value);
}
