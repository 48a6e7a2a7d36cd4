import type { Candidate, Policy, Refusal, SessionKind, Verdict } from '@stream-sessions/core';
import { badSecret, checkOptions } from '@stream-sessions/core/spi';
import { checkKinds, kindOf, WHO_ASKS, YES } from '../support/kinds.js';
import { checkKey, isSealed } from './seal.js';

/** Options of `signedUrlPolicy`. */
export interface SignedUrlOptions {
  /** The accepted keys, at least 16 characters each. Several, so that a new one can be added before the old one is removed. */
  keys: string | readonly string[];
  /** Who must present a signature; others are admitted. Default: all but `output`. */
  kinds?: readonly SessionKind[] | undefined;
  /** Default `signed url`. */
  name?: string | undefined;
}

/** The format of `signToken`: expiry, for whom, and the seal. */
const TOKEN = /^([0-9a-z]{1,9})\.(any|ip)\.([\w-]{43})$/;

/**
 * Admits viewers with a token of `signToken` or a URL of `signUrl`, for this stream and until it expires: the session then closes
 * as `expired`. The token is read where the transport reads tokens, so one signature works on all of them.
 *
 * @throws StreamSessionsError ERR_BAD_OPTION
 */
export function signedUrlPolicy(options: SignedUrlOptions): Policy {
  checkOptions('signedUrlPolicy()', options, ['keys', 'kinds', 'name']);
  const { name = 'signed url' } = options;
  const given: unknown = typeof options.keys === 'string' ? [options.keys] : options.keys;
  if (!Array.isArray(given) || given.length === 0) throw badSecret('keys', 'one key or more', given);
  const keys = given.map((key: unknown) => checkKey('keys', key));
  const kinds = checkKinds(options.kinds ?? WHO_ASKS);
  return {
    name,
    stage: 'authorise',
    admit: (candidate, view) => (kinds.has(kindOf(candidate)) ? judge(candidate, view.now, keys) : YES),
  };
}

function judge(candidate: Candidate, now: number, keys: readonly string[]): Verdict {
  const { token } = candidate;
  if (!token) return no('there is no token');
  const [, expiry = '', scope, text = ''] = TOKEN.exec(token) ?? [];
  if (expiry === '') return no('the token was not made by signToken()');
  const expiresAtSec = parseInt(expiry, 36);
  const signature = Buffer.from(text, 'base64url');
  // Leading zeros, or stray bits in the last letter, would make a different token with the same meaning.
  if (expiresAtSec.toString(36) !== expiry || signature.toString('base64url') !== text) {
    return no('the token is not spelled as signToken() spells it');
  }
  const ip = scope === 'ip' ? candidate.ip : undefined;
  const sealed = { stream: candidate.stream, kind: kindOf(candidate), expiresAtSec, ip };
  if (!isSealed(sealed, signature, keys)) {
    const other = ip === undefined ? 'stream or kind' : 'stream, kind or address';
    return no(`the signature is wrong: made with another key, for another ${other}, or changed`);
  }
  const expiresAt = expiresAtSec * 1000;
  if (expiresAt > now) return { allow: true, expiresAt };
  return { ...no(`the signature ended at ${new Date(expiresAt).toISOString()}`), reason: 'expired' };
}

const no = (detail: string): Refusal => ({ allow: false, reason: 'unauthorized', kind: 'credentials', detail });
