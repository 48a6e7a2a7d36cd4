import { createHash, timingSafeEqual } from 'node:crypto';
import type { Credentials } from '../types/hit.js';
import { ownCopy } from '../support/strings.js';
import { MAX_USER_LENGTH } from '../support/bounds.js';

/**
 * What an `Authorization` header offers: a Bearer token (RFC 6750) or a Basic user (RFC 7617), whose password stays in a closure
 * and is only ever compared. Undefined if the header is missing, malformed or of another scheme.
 */
export function credentialsOf(authorization: string | undefined): Credentials | undefined {
  if (authorization === undefined) return undefined;
  const [, scheme = '', value = ''] = /^(bearer|basic) +(\S+)\s*$/i.exec(authorization) ?? [];
  if (scheme.toLowerCase() === 'bearer') return { scheme: 'bearer', token: value };
  if (scheme === '') return undefined;
  const text = Buffer.from(value, 'base64').toString();
  const colon = text.indexOf(':');
  if (colon < 0 || colon > MAX_USER_LENGTH) return undefined;
  const password = digest(text.slice(colon + 1));
  return {
    scheme: 'basic',
    // a copy: a substring would keep the password in memory
    user: ownCopy(text.slice(0, colon)),
    verify: (expected) => timingSafeEqual(password, digest(expected)),
  };
}

/** Of equal length whatever the password, so that the comparison reveals nothing about it. */
const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
