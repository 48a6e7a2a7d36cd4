import { StreamSessionsError } from '@stream-sessions/core';
import { withStatus, type SessionStoreError } from '../errors.js';

const LONGEST_WORDS = 300;

/** The first word of an error reply from Redis; scripts put a dash before it. */
const REPLY = /^-?([A-Z]{2,}) /;

/** Replies of a server that is reachable but cannot serve right now. */
const AWAY = new Set(['LOADING', 'MASTERDOWN', 'CLUSTERDOWN', 'TRYAGAIN', 'BUSY', 'NOREPLICAS', 'UNBLOCKED']);
const DENIED = new Set(['NOAUTH', 'WRONGPASS', 'NOPERM']);

const wordsOf = (cause: unknown): string =>
  String((cause as { message?: unknown } | null)?.message || cause)
    .slice(0, LONGEST_WORDS)
    .trimEnd()
    .replace(/\.$/, '');

/** Why a command failed, as one of our errors: Redis is unreachable, full, read-only … */
export function failureOf(cause: unknown): SessionStoreError {
  const words = wordsOf(cause);
  const reply = REPLY.exec(words)?.[1];
  if (words.includes('OOM command not allowed')) return full(words, cause);
  if (reply === 'READONLY' || words.includes('READONLY You can')) return readOnly(words, cause);
  if (reply === 'WRONGTYPE' || words.includes('WRONGTYPE Operation')) return wrongType(words, cause);
  if (reply !== undefined && DENIED.has(reply)) return denied(words, cause);
  if (/^ERR (?:AUTH|invalid password|invalid username)/i.test(words)) return denied(words, cause);
  if (reply === undefined || AWAY.has(reply)) return unavailable(words, cause);
  return failed(words, cause);
}

export const unavailable = (words: string, cause?: unknown): SessionStoreError =>
  withStatus(
    503,
    new StreamSessionsError(
      'ERR_STORE_UNAVAILABLE',
      `Redis cannot be reached: ${words}. It is asked again next time.`,
      {
        cause,
      },
    ),
  );

const full = (words: string, cause: unknown): SessionStoreError =>
  withStatus(
    503,
    new StreamSessionsError('ERR_STORE_FULL', `Redis has no memory left: ${words}. Raise its maxmemory.`, { cause }),
  );

const readOnly = (words: string, cause: unknown): SessionStoreError =>
  withStatus(
    503,
    new StreamSessionsError('ERR_STORE_READONLY', `This Redis is a replica and takes no writes: ${words}.`, { cause }),
  );

const denied = (words: string, cause: unknown): SessionStoreError =>
  withStatus(
    503,
    new StreamSessionsError('ERR_STORE_DENIED', `Redis refuses these credentials, or they lack a right: ${words}.`, {
      cause,
    }),
  );

const wrongType = (words: string, cause: unknown): SessionStoreError =>
  withStatus(
    500,
    new StreamSessionsError(
      'ERR_STORE_WRONG_TYPE',
      `Another program keeps something else under this key. Use a keyPrefix of your own. ${words}.`,
      { cause },
    ),
  );

const failed = (words: string, cause: unknown): SessionStoreError =>
  withStatus(500, new StreamSessionsError('ERR_STORE_FAILED', `Redis could not do it: ${words}.`, { cause }));

export const timedOut = (command: string, limitMs: number): SessionStoreError =>
  withStatus(
    503,
    new StreamSessionsError(
      'ERR_STORE_TIMEOUT',
      `Redis has not answered ${command} within ${limitMs} ms. It may still happen.`,
    ),
  );

export const busy = (pending: number): SessionStoreError =>
  withStatus(
    503,
    new StreamSessionsError('ERR_STORE_BUSY', `${pending} commands wait for Redis already: this one was not sent.`),
  );

/** A reply of a shape that Redis never sends: the client must have transformed it. */
export const strangeReply = (command: string, reply: unknown): SessionStoreError =>
  withStatus(
    500,
    new StreamSessionsError(
      'ERR_STORE_FAILED',
      `The Redis client answered ${command} with ${typeof reply}. Give it no type mapping or reply transformer.`,
    ),
  );
