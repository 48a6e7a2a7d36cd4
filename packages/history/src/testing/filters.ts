import type { PlaySession } from '@stream-sessions/core';
import type { VisitFilter } from '../types/query.js';
import { presentOf } from './random-visits.js';

/** One of many filters, by number, that matches this session, or nearly does. */
export function filterLike({ tags, ...session }: PlaySession, n: number): VisitFilter {
  const { openedAt, endedAt } = presentOf({ ...session, tags });
  const durationMs = endedAt - openedAt;
  // sometimes in whole seconds, for which there are counts
  const bound = n % 2 === 0 ? durationMs : Math.floor(durationMs / 1_000) * 1_000;
  const [[key, value] = ['plan', 'gold']] = Object.entries(tags);
  if (n % 9 === 1) return { minDurationMs: bound };
  if (n % 9 === 2) return { maxDurationMs: bound };
  if (n % 9 === 3) return { minDurationMs: bound, maxDurationMs: 2 * bound, stream: session.stream };
  if (n % 9 === 4) return { tag: `${key}=${value}` };
  return {
    ...(n % 2 === 0 ? { stream: session.stream } : {}),
    ...(n % 2 === 1 && session.closeReason !== undefined ? { reason: session.closeReason } : {}),
    ...(n % 3 === 0 && session.country !== undefined ? { country: session.country } : {}),
    ...(n % 4 === 0 ? { protocol: session.protocol } : {}),
    ...(n % 9 === 5 ? { tag: key } : {}),
    ...(n % 7 === 0 ? { user: session.userName } : {}),
  };
}

/** An independent implementation of the filter. */
export function doesMatch(session: PlaySession, filter: VisitFilter): boolean {
  const { openedAt, endedAt } = presentOf(session);
  const { from = -Infinity, to = Infinity, minDurationMs = 0, maxDurationMs = Infinity } = filter;
  const [key = '', ...value] = filter.tag?.split('=') ?? [];
  const is = (wanted: unknown, found: unknown): boolean => wanted === undefined || wanted === found;
  return (
    endedAt > from &&
    openedAt < to &&
    endedAt - openedAt >= minDurationMs &&
    endedAt - openedAt <= maxDurationMs &&
    is(filter.stream, session.stream) &&
    is(filter.reason, session.closeReason) &&
    is(filter.country, session.country) &&
    is(filter.protocol, session.protocol) &&
    is(filter.user, session.userName) &&
    (filter.tag === undefined || key in session.tags) &&
    (value.length === 0 || session.tags[key] === value.join('='))
  );
}
