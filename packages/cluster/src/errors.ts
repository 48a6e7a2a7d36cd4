import { StreamSessionsError } from '@stream-sessions/core';

const LONGEST_WORDS = 300;

/** The shared state of the processes is unreachable, or could not do what was requested. */
export const linkFailed = (what: string, cause?: unknown): StreamSessionsError =>
  new StreamSessionsError('ERR_CLUSTER_LINK', `The link of the cluster failed: ${what}.`, { cause });

/** The message of an error, as part of a sentence. */
export const wordsOf = (cause: unknown): string =>
  String((cause as { message?: unknown } | null)?.message || cause)
    .slice(0, LONGEST_WORDS)
    .trimEnd()
    .replace(/\.$/, '');

/** The link will fail as long as it is configured like this. */
export class LinkRefused extends StreamSessionsError {
  constructor(what: string, cause: unknown) {
    super('ERR_CLUSTER_LINK', `The link of the cluster is refused: ${what}.`, { cause });
  }
}
