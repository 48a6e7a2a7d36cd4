import { StreamSessionsError } from '../support/errors.js';
import type { SessionDirectory } from '../types/directory.js';

/** Lists every method; the code does not compile if one is missing. */
const VERBS: Readonly<Record<Exclude<keyof SessionDirectory, 'saved' | 'tellsEveryEnd' | 'everywhere'>, true>> = {
  list: true,
  count: true,
  get: true,
  streams: true,
  stats: true,
  kick: true,
  kickAll: true,
  tag: true,
  deny: true,
  liftDenial: true,
  denials: true,
  explain: true,
  invalidate: true,
  reauthorize: true,
  on: true,
};

/**
 * Like `needTracker`, for code that only reads sessions: accepts a tracker or any other directory.
 *
 * @param what `sessionsApi(): the first argument`
 *
 * @throws StreamSessionsError ERR_BAD_OPTION, naming the missing method
 */
export function needDirectory(what: string, directory: Partial<SessionDirectory> | undefined): void {
  const missing = Object.keys(VERBS).filter(
    (verb) => typeof directory?.[verb as keyof SessionDirectory] !== 'function',
  );
  if (missing.length === 0) return;
  const isNone = missing.length === Object.keys(VERBS).length;
  const why = isNone ? '.' : `, or another SessionDirectory; this one has no ${missing.join('(), ')}().`;
  throw new StreamSessionsError('ERR_BAD_OPTION', `${what} must be a tracker: createTracker()${why}`);
}
