import type { Candidate } from '@stream-sessions/core';
import { AddressReader } from '@stream-sessions/core/spi';
import { hashOf } from '../support/hash.js';
import { kindOf } from '../support/kinds.js';

/** What a limit can apply to. */
export type Per = 'user' | 'token' | 'ip' | 'stream';

const addresses = new AddressReader(64);
const bearerOf = ({ credentials }: Candidate): string | undefined =>
  credentials?.scheme === 'bearer' ? credentials.token : undefined;

/**
 * There may be two tokens, one in the URL (or a cookie) and a bearer token. Which of them was judged is not known here, and the
 * other may be anything: both count, or changing the other would yield another place each time.
 */
const TEXTS: Readonly<Record<Per, (candidate: Candidate) => readonly (string | undefined)[]>> = {
  user: ({ userId }) => [userId],
  token: (candidate) => [candidate.token, bearerOf(candidate)],
  ip: ({ ip }) => [addresses.network(ip)],
  stream: ({ stream }) => [stream],
};

export const PER = Object.keys(TEXTS) as readonly Per[];

/**
 * The keys for which a candidate needs a slot; hashes, because the texts are long and chosen by strangers. Only viewers need
 * slots.
 */
export function keysOf(per: Per, candidate: Candidate): readonly string[] {
  if (kindOf(candidate) !== 'viewer') return [];
  const texts = TEXTS[per](candidate).filter((text) => text !== undefined && text !== '');
  return [...new Set(texts)].map((text) => hashOf([text]));
}
