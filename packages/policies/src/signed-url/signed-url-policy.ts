import type { Candidate, Policy, SessionKind, Verdict } from '@stream-sessions/core';
import { badOption, checkOptions } from '@stream-sessions/core/spi';
import { checkKinds, kindOf, WHO_ASKS, YES } from '../support/kinds.js';
import { checkKey, isSealed } from './seal.js';

/** Options of `signedUrlPolicy`. */
export interface SignedUrlOptions {
  /** Keys that are accepted, at least 16 characters each. Several, so that a new one can be there before the old goes. */
  keys: string | readonly string[];
  /** Who has to show a signature; others are let through. Default: everybody but `output`. */
  kinds?: readonly SessionKind[];
  /** Default `signed url`. */
  name?: string;
}

/** What `signToken` makes: when, for whom, and the seal. */
const TOKEN = /^([0-9a-z]{1,9})\.(any|ip)\.([\w-]{43})$/;

/**
 * Lets in who has a token of `signToken` or a URL of `signUrl`, for this stream and until it ends: the session is closed
 * with `expired` then. The token is read where the transport reads tokens, so one signature works on all of them.
 *
 * @throws StreamSessionsError ERR_BAD_OPTION
 */
export function signedUrlPolicy(options: SignedUrlOptions): Policy {
  checkOptions('signedUrlPolicy()', options, ['keys', 'kinds', 'name']);
  const { name = 'signed url' } = options;
  const keys = (typeof options.keys === 'string' ? [options.keys] : [...(options.keys ?? [])]).map((key) =>
    checkKey('keys', key),
  );
  if (keys.length === 0) throw badOption('keys', 'one key or more', []);
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
  const [, expiry, scope, signature] = TOKEN.exec(token) ?? [];
  if (expiry === undefined || signature === undefined) return no('the token is no signature');
  const expiresAtSec = parseInt(expiry, 36);
  const ip = scope === 'ip' ? candidate.ip : undefined;
  const sealed = { stream: candidate.stream, kind: kindOf(candidate), expiresAtSec, ip };
  if (!isSealed(sealed, Buffer.from(signature, 'base64url'), keys)) {
    return no(ip === undefined ? 'the signature is wrong' : 'the signature is wrong, or is for another address');
  }
  const expiresAt = expiresAtSec * 1000;
  if (expiresAt <= now) return { allow: false, reason: 'expired', kind: 'credentials' };
  return { allow: true, expiresAt };
}

const no = (detail: string): Verdict => ({ allow: false, reason: 'unauthorized', kind: 'credentials', detail });
