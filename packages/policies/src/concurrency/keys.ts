import type { Candidate } from '@stream-sessions/core';
import { AddressReader } from '@stream-sessions/core/spi';
import { hashOf } from '../support/hash.js';
import { kindOf } from '../support/kinds.js';

/** What a limit can be per. */
export type Per = 'user' | 'token' | 'ip' | 'stream';

const addresses = new AddressReader(64);
const bearerOf = ({ credentials }: Candidate): string | undefined =>
  credentials?.scheme === 'bearer' ? credentials.token : undefined;

/**
 * Of a token there may be two, in the URL (or a cookie) and as a bearer. Which of them was judged is not known here, and the
 * other may be anything: both count, or who changes the other would have a place more each time.
 */
const TEXTS: Readonly<Record<Per, (candidate: Candidate) => readonly (string | undefined)[]>> = {
  user: ({ userId }) => [userId],
  token: (candidate) => [candidate.token, bearerOf(candidate)],
  ip: ({ ip }) => [addresses.network(ip)],
  stream: ({ stream }) => [stream],
};

export const PER = Object.keys(TEXTS) as readonly Per[];

/** What a candidate needs a slot of; hashes, for it is long, and strangers choose it. Only viewers need any. */
export function keysOf(per: Per, candidate: Candidate): readonly string[] {
  if (kindOf(candidate) !== 'viewer') return [];
  const texts = TEXTS[per](candidate).filter((text) => text !== undefined && text !== '');
  return [...new Set(texts)].map((text) => hashOf([text]));
}
