import { StreamSessionsError } from '@stream-sessions/core';
import { linkFailed, LinkRefused, wordsOf } from '../errors.js';

/** The first word of an error reply from Redis; scripts put a dash before it. */
const REPLY = /^-?([A-Z]{2,}) /;

/** Errors that may be gone at the next attempt: slots move, a server starts, a replica is promoted. */
const PASSING: ReadonlySet<string> = new Set('TRYAGAIN LOADING CLUSTERDOWN READONLY MASTERDOWN BUSY'.split(' '));

/** What no retry helps against, and what does. */
const REMEDIES: readonly (readonly [error: RegExp, remedy: string])[] = [
  [/^-?(NOAUTH|WRONGPASS) /, 'give the client the right password'],
  // Redis up to 7.0 has no NOPERM for what a script may not do
  [
    /^-?NOPERM |The user executing the script can't /,
    'let its user run EVAL, EVALSHA and what is in the scripts, on all keys with the prefix: +@read +@write +@scripting +time',
  ],
  [/^-?MOVED /, 'this is a Redis Cluster, so it takes createCluster() of redis, or new Cluster() of ioredis'],
  [/The client is closed/, 'connect() the client first'],
];

const remedyFor = (words: string): string | undefined => REMEDIES.find(([pattern]) => pattern.test(words))?.[1];

/** True if a retry may succeed soon. Anything but a Redis reply is a broken connection. */
export function mayPass(error: unknown): boolean {
  if (error instanceof StreamSessionsError) return false;
  const words = wordsOf(error);
  if (remedyFor(words) !== undefined) return false;
  const reply = REPLY.exec(words)?.[1];
  return reply === undefined || PASSING.has(reply) || words.includes('READONLY You can');
}

export function asLinkError(error: unknown): StreamSessionsError {
  if (error instanceof StreamSessionsError) return error;
  const words = wordsOf(error);
  const remedy = remedyFor(words);
  return remedy === undefined ? linkFailed(`Redis: ${words}`, error) : new LinkRefused(`${words}; ${remedy}`, error);
}
