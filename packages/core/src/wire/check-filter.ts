import { StreamSessionsError } from '../support/errors.js';
import { badOption, checkOptions, checkText } from '../support/options.js';
import { SESSION_KINDS } from '../types/kinds.js';
import type { SessionFilter, SessionOrder } from '../types/play-session.js';

const FIELDS: readonly (keyof SessionFilter)[] = [
  'stream',
  'protocol',
  'kind',
  'status',
  'user',
  'ip',
  'country',
  'dvr',
  'tag',
  'reason',
  'search',
  'visits',
  'order',
  'limit',
  'after',
];

const TEXTS = ['stream', 'protocol', 'user', 'ip', 'country', 'tag', 'reason', 'search', 'after'] as const;
const ORDERS: readonly SessionOrder[] = ['openedAt', '-openedAt', '-bytes', '-closedAt'];
/** Longer than any name that anyone would type. */
const MAX_SEARCH = 256;

/**
 * Checks a filter of sessions, as lists and counts do.
 *
 * @throws StreamSessionsError ERR_BAD_OPTION for an unknown field or an invalid value: a misspelt filter must not match everyone.
 */
export function checkFilter(filter: SessionFilter): void {
  checkOptions('filter', filter, FIELDS);
  const { kind, status, dvr, search, visits, order, limit } = filter;
  for (const name of TEXTS) checkText(name, filter[name]);
  if (kind && ![kind].flat().every((one) => SESSION_KINDS.includes(one))) {
    throw badOption('kind', `one or several of ${SESSION_KINDS.join(', ')}`, kind);
  }
  if (dvr !== undefined && typeof dvr !== 'boolean') throw badOption('dvr', 'true or false', dvr);
  if (status && status !== 'active' && status !== 'closed') throw badOption('status', '"active" or "closed"', status);
  if (visits && visits !== 'latest' && visits !== 'all') throw badOption('visits', '"latest" or "all"', visits);
  if (order && !ORDERS.includes(order)) throw badOption('order', `one of ${ORDERS.join(', ')}`, order);
  if (limit !== undefined && !(typeof limit === 'number' && !Number.isNaN(limit))) {
    throw badOption('limit', 'a number of rows', limit);
  }
  if (search !== undefined && search.length > MAX_SEARCH) {
    throw badOption('search', `a string of at most ${MAX_SEARCH} characters`, search);
  }
}

/** Fields that choose how many, in which order, from where on, or whether live or closed, but no sessions in particular. */
const NAME_NOBODY: readonly string[] = ['limit', 'after', 'order', 'status', 'visits'];

/**
 * Checks a filter of sessions that are to be kicked.
 *
 * @throws StreamSessionsError ERR_BAD_OPTION; ERR_EMPTY_FILTER if the filter does not restrict which sessions it means.
 */
export function checkKickFilter(filter: SessionFilter): void {
  checkFilter(filter);
  const isEmpty = Object.entries(filter).every(
    ([key, value]) => NAME_NOBODY.includes(key) || value === undefined || value === '',
  );
  if (!isEmpty) return;
  throw new StreamSessionsError('ERR_EMPTY_FILTER', 'An empty filter would kick everybody. Say whom you mean.');
}
