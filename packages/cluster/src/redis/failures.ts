import { StreamSessionsError } from '@stream-sessions/core';
import { linkFailed, wordsOf } from '../errors.js';

/** The first word of an error reply from Redis; scripts put a dash before it. */
const REPLY = /^-?([A-Z]{2,}) /;

/** Errors that may be gone at the next attempt: slots move, a server starts, a replica is promoted. */
const PASSING: ReadonlySet<string> = new Set('TRYAGAIN LOADING CLUSTERDOWN READONLY MASTERDOWN BUSY'.split(' '));

/** True if a retry may succeed soon. Anything but a Redis reply is a broken connection. */
export function mayPass(error: unknown): boolean {
  if (error instanceof StreamSessionsError) return false;
  const words = wordsOf(error);
  const reply = REPLY.exec(words)?.[1];
  return reply === undefined || PASSING.has(reply) || words.includes('READONLY You can');
}

export const asLinkError = (error: unknown): StreamSessionsError =>
  error instanceof StreamSessionsError ? error : linkFailed(`Redis: ${wordsOf(error)}`, error);
