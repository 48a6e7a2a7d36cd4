import { isIP } from 'node:net';
import type { SessionKind } from '@stream-sessions/core';
import {
  badOption,
  checkOptions,
  FEWEST_MS,
  LAST_MS,
  MAX_STREAM_LENGTH,
  normaliseAddress,
} from '@stream-sessions/core/spi';
import { checkKinds } from '../support/kinds.js';
import { checkKey, seal } from './seal.js';

/** What a signed URL allows. */
export interface Signing {
  /** The key; with several (rotation), the newest of them. At least 16 characters. */
  key: string;
  /** The stream code, as in the list of viewers: `cam1`. */
  stream: string;
  /** Epoch milliseconds; the signature is valid until the second before. */
  expiresAt: number;
  /** Only from this address (IPv6: its /64). Default: from anywhere. */
  ip?: string | undefined;
  /** `input` permits publishing. Default `viewer`. */
  kind?: SessionKind | undefined;
}

const NAMES: readonly (keyof Signing)[] = ['key', 'stream', 'expiresAt', 'ip', 'kind'];

/**
 * Makes the token that `signedUrlPolicy` accepts, to be sent in whichever way a transport takes tokens. It is opaque: 50 to
 * 60 letters, digits, `.`, `-` and `_`.
 *
 * @throws StreamSessionsError ERR_BAD_OPTION
 */
export function signToken(signing: Signing): string {
  checkOptions('signToken()', signing, NAMES);
  const { key, stream, expiresAt, ip, kind = 'viewer' } = signing;
  checkKey('key', key);
  checkKinds([kind]);
  if (typeof stream !== 'string' || stream === '' || stream.length > MAX_STREAM_LENGTH) {
    throw badOption('stream', `a stream code of 1 to ${MAX_STREAM_LENGTH} characters`, stream);
  }
  if (!(expiresAt >= FEWEST_MS && expiresAt <= LAST_MS))
    throw badOption('expiresAt', 'epoch milliseconds, not seconds', expiresAt);
  // Bound to something that is not an address, it would be useless.
  if (ip !== undefined && isIP(normaliseAddress(String(ip))) === 0) throw badOption('ip', 'an address', ip);
  const expiresAtSec = Math.floor(expiresAt / 1000);
  const signature = seal({ stream, kind, expiresAtSec, ip }, key).toString('base64url');
  return `${expiresAtSec.toString(36)}.${ip === undefined ? 'any' : 'ip'}.${signature}`;
}

/**
 * The URL with the token that admits its holder: `https://…/cam1/index.m3u8?token=…`, `rtmp://…/live/cam1?token=…`. An existing
 * query is kept; a token in it is replaced.
 *
 * @throws StreamSessionsError ERR_BAD_OPTION
 */
export function signUrl(url: string, signing: Signing): string {
  const token = signToken(signing);
  const [, before = '', query = '', hash = ''] = /^([^?#]*)(?:\?([^#]*))?(#.*)?$/s.exec(url) ?? [];
  const others = query.split('&').filter((pair) => pair !== '' && !pair.startsWith('token='));
  return `${before}?${[...others, `token=${token}`].join('&')}${hash}`;
}
