import { invalidQuery } from './api-answer.js';

/** The most rows on a page, which is also the default. */
export const MAX_ROWS = 1000;

/** What a caller wrote, for an error message: cut, and in quotes. */
export const quoted = (value: string): string => JSON.stringify(value.slice(0, 64));

/**
 * One of the allowed words.
 *
 * @throws ApiError 400
 */
export function oneOf<T extends string>(name: string, value: string, allowed: readonly T[]): T {
  const found = allowed.find((each) => each === value);
  if (found !== undefined) return found;
  throw invalidQuery(`${name}: ${quoted(value)} is not known. Allowed: ${allowed.join(', ')}.`);
}

/**
 * A protocol, in lower case. Adapters bring protocols of their own: any word is accepted.
 *
 * @throws ApiError 400
 */
export function protocolOf(name: string, value: string): string {
  if (/^[a-z0-9][a-z0-9._+-]{0,31}$/i.test(value)) return value.toLowerCase();
  throw invalidQuery(
    `${name}: ${quoted(value)} is not a protocol. Allowed: a word such as hls, dash, rtmp, rtsp, srt.`,
  );
}

/**
 * A country code, in upper case.
 *
 * @throws ApiError 400
 */
export function countryOf(name: string, value: string): string {
  if (/^[a-z]{2}$/i.test(value)) return value.toUpperCase();
  throw invalidQuery(
    `${name}: ${quoted(value)} is not a country code. Allowed: two letters of ISO 3166-1, such as DE.`,
  );
}

/**
 * The number of rows on a page: absent, 0 and values that are too large mean the maximum.
 *
 * @throws ApiError 400
 */
export function rowLimit(value: string | null): number {
  if (value === null || value === '') return MAX_ROWS;
  if (!/^\d+$/.test(value))
    throw invalidQuery(`limit: ${quoted(value)} is not a whole number. Allowed: 0 to ${MAX_ROWS}.`);
  return Math.min(Number(value) || MAX_ROWS, MAX_ROWS);
}

/** Whether there is this day, written as `2026-01-31`: `Date` takes 30 February for 2 March. */
export function isDay(day: string): boolean {
  const midnight = new Date(`${day}T00:00:00Z`);
  return !Number.isNaN(midnight.getTime()) && midnight.toISOString().startsWith(day);
}
