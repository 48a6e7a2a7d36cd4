import { createHmac, timingSafeEqual } from 'node:crypto';
import type { SessionKind } from '@stream-sessions/core';
import { AddressReader, badSecret } from '@stream-sessions/core/spi';

/** What a signature covers. */
export interface Sealed {
  readonly stream: string;
  readonly kind: SessionKind;
  /** Epoch seconds. */
  readonly expiresAtSec: number;
  /** Undefined: it may be used from any address. */
  readonly ip: string | undefined;
}

/** Shorter HMAC keys can be guessed. */
const SHORTEST_KEY = 16;
const addresses = new AddressReader(64);

/** HMAC-SHA256. JSON keeps the parts separate, whatever they contain; an IPv6 address counts by its /64. */
export function seal({ stream, kind, expiresAtSec, ip }: Sealed, key: string): Buffer {
  const network = ip === undefined ? '' : addresses.network(addresses.address(ip));
  const text = JSON.stringify(['stream-sessions signed url 1', kind, stream, expiresAtSec, network]);
  return createHmac('sha256', key).update(text).digest();
}

/** True if one of the keys made this seal. All are tried, in the same time whatever is wrong. */
export function isSealed(sealed: Sealed, given: Buffer, keys: readonly string[]): boolean {
  let found = false;
  for (const key of keys) {
    const right = seal(sealed, key);
    if (given.length === right.length && timingSafeEqual(given, right)) found = true;
  }
  return found;
}

/** @throws StreamSessionsError ERR_BAD_OPTION. The message does not contain the key. */
export function checkKey(name: string, key: unknown): string {
  if (typeof key === 'string' && key.length >= SHORTEST_KEY) return key;
  throw badSecret(name, `a string of at least ${SHORTEST_KEY} characters`, key);
}
