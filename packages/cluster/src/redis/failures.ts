import { StreamSessionsError } from '@stream-sessions/core';
import { linkFailed, wordsOf } from '../errors.js';

/** The first word of an error that Redis answers with; scripts put it behind a dash. */
const REPLY = /^-?([A-Z]{2,}) /;

/** Answers that another try may not get: slots move, a server starts, a replica is promoted. */
const PASSING: ReadonlySet<string> = new Set('TRYAGAIN LOADING CLUSTERDOWN READONLY MASTERDOWN BUSY'.split(' '));

/** True if the same may work in a moment. What was no answer of Redis is a connection that broke. */
export function mayPass(error: unknown): boolean {
  if (error instanceof StreamSessionsError) return false;
  const words = wordsOf(error);
  const reply = REPLY.exec(words)?.[1];
  return reply === undefined || PASSING.has(reply) || words.includes('READONLY You can');
}

export const asLinkError = (error: unknown): StreamSessionsError =>
  error instanceof StreamSessionsError ? error : linkFailed(`Redis: ${wordsOf(error)}`, error);
