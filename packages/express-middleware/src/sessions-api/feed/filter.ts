import { EVENT_TYPES, invalidQuery, ownCopy, quoted, SESSION_KINDS } from '@stream-sessions/core/spi';
import { type Asked, onlyNames } from '../query.js';
import type { Topic } from './ring.js';

/** What a client of the feed wants to receive. */
export interface FeedFilter {
  readonly stream: string | undefined;
  readonly types: ReadonlySet<string> | undefined;
  readonly kinds: ReadonlySet<string> | undefined;
}

/** The type of the figures sent once a second. */
export const STATS = 'stats';

/** All that the feed sends: `reset` and `overflow` whatever is asked for, and never what is for sinks alone. */
const TYPES: readonly string[] = [
  ...EVENT_TYPES.filter((type) => type !== 'session.attached'),
  STATS,
  'reset',
  'overflow',
];
/** The most words in a list; a longer one is not a sensible request. */
const MAX_WORDS = 32;

/** @throws ApiError 400 */
export function readFeedFilter(asked: Asked): FeedFilter {
  onlyNames(asked, ['stream', 'type', 'kind', 'after']);
  const { query, lists } = asked;
  const stream = query.get('stream') || undefined;
  const types = words('type', query.get('type'), TYPES);
  const kinds = words('kind', query.get('kind'), SESSION_KINDS) ?? lists.kinds;
  return {
    stream: stream === undefined ? undefined : ownCopy(stream),
    types: types && new Set(types),
    kinds: kinds && new Set(kinds),
  };
}

function words(name: string, value: string | null, allowed: readonly string[]): string[] | undefined {
  if (!value) return undefined;
  const all = value.split(',', MAX_WORDS + 1);
  const wrong = all.length > MAX_WORDS ? value : all.find((word) => !allowed.includes(word));
  if (wrong === undefined) return all.map(ownCopy);
  throw invalidQuery(`${name}: ${quoted(wrong)} is not known. Allowed: ${allowed.join(', ')}; several with commas.`);
}

/** Filters that let the same events through have the same key. */
export const keyOf = ({ stream, types, kinds }: FeedFilter): string =>
  JSON.stringify([stream, types && [...types].sort(), kinds && [...kinds].sort()]);

/** An event that is not about a session matches every kind. */
export const wants = ({ stream, types, kinds }: FeedFilter, topic: Topic): boolean =>
  (types === undefined || types.has(topic.type)) &&
  (kinds === undefined || topic.kind === undefined || kinds.has(topic.kind)) &&
  (stream === undefined || topic.streams.includes(stream));
