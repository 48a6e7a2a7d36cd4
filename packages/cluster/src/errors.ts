import { StreamSessionsError } from '@stream-sessions/core';

const LONGEST_WORDS = 300;

/** What the processes have in common cannot be reached, or could not do what it was asked. */
export const linkFailed = (what: string, cause?: unknown): StreamSessionsError =>
  new StreamSessionsError('ERR_CLUSTER_LINK', `The link of the cluster failed: ${what}.`, { cause });

/** The words of an error, as a part of a sentence. */
export const wordsOf = (cause: unknown): string =>
  String((cause as { message?: unknown } | null)?.message || cause)
    .slice(0, LONGEST_WORDS)
    .trimEnd()
    .replace(/\.$/, '');
