import { isIP } from 'node:net';
import { StreamSessionsError } from '@stream-sessions/core';
import { badOption, checkOptions, LAST_MS } from '@stream-sessions/core/spi';
import type { Visit, VisitFilter } from '../types/query.js';

/** The most rows on a page. */
export const MAX_LIMIT = 1_000;

const KNOWN: readonly string[] = [
  'from',
  'to',
  'stream',
  'user',
  'ip',
  'country',
  'reason',
  'protocol',
  'kind',
  'tag',
  'minDurationMs',
  'maxDurationMs',
  'limit',
  'after',
] satisfies readonly (keyof VisitFilter)[];

/** From the year 0 to JavaScript's last day: PostgreSQL handles both, but not everything before. */
const FIRST_TIME = Date.parse('0000-01-01T00:00:00Z');

/** True for a time in epoch milliseconds that a database can compare. */
export const isTime = (at: number): boolean => at >= FIRST_TIME && at <= LAST_MS;

/** @throws StreamSessionsError ERR_BAD_OPTION, ERR_BAD_CURSOR */
export function checked(filter: VisitFilter): { limit: number; after: Cursor | undefined } {
  checkOptions('visits()', filter, KNOWN);
  const { limit = MAX_LIMIT, ip } = filter;
  for (const name of ['from', 'to', 'minDurationMs', 'maxDurationMs'] as const) {
    const value = filter[name];
    if (value !== undefined && !isTime(value)) throw badOption(name, 'a number of milliseconds', value);
  }
  for (const name of ['stream', 'user', 'country', 'reason', 'protocol', 'kind', 'tag'] as const) {
    if (filter[name] !== undefined) checkText(name, filter[name]);
  }
  if (filter.tag === '' || filter.tag?.startsWith('=') === true) throw badOption('tag', 'key or key=value', filter.tag);
  if (ip !== undefined && !isBlock(ip)) throw badOption('ip', 'an address, or a block such as 203.0.113.0/24', ip);
  if (!(Number.isInteger(limit) && limit > 0 && limit <= MAX_LIMIT))
    throw badOption('limit', `a whole number from 1 to ${MAX_LIMIT}`, limit);
  return { limit, after: filter.after === undefined ? undefined : fromCursor(filter.after) };
}

/** @throws StreamSessionsError ERR_BAD_OPTION for a text that no visit can contain */
export function checkText(name: string, value: unknown): void {
  if (typeof value !== 'string') throw badOption(name, 'a text', value);
  if (value.includes('\0')) throw badOption(name, 'a text without NUL', value);
}

/** True for an address, or an address with a prefix length. */
function isBlock(text: string): boolean {
  const [address = '', bits, ...rest] = text.split('/');
  const version = isIP(address);
  if (version === 0 || rest.length > 0 || address.includes('%')) return false;
  return bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) <= (version === 4 ? 32 : 128));
}

export type Cursor = readonly [openedAt: number, id: string];

/** The position at which a page ends. */
export const cursorOfVisit = ({ openedAt, id }: Visit): string =>
  Buffer.from(`${openedAt} ${id}`).toString('base64url');

function fromCursor(after: string): Cursor {
  const [, openedAt, id] = /^(-?\d{1,16}) ([^\0]{1,64})$/.exec(Buffer.from(after, 'base64url').toString()) ?? [];
  if (openedAt === undefined || id === undefined || !isTime(Number(openedAt))) {
    throw new StreamSessionsError('ERR_BAD_CURSOR', 'after: this is not the `next` of a page of visits.');
  }
  return [Number(openedAt), id];
}
