import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import type { Credentials } from '@stream-sessions/core';
import { credentialsOf, ownCopy } from '@stream-sessions/core/spi';
import type { Headers } from './response.js';

export type AuthScheme = 'digest' | 'basic';

/** Room for a token; a longer header counts as no credentials. */
const MAX_HEADER_LENGTH = 8 * 1024;
const MAX_USER_LENGTH = 256;
const MAX_NONCE_LENGTH = 256;

/**
 * The challenges of one connection (RFC 2617; RFC 2326 §12.44 and appendix D.1.2): a response given here cannot be replayed
 * elsewhere.
 */
export class Challenge {
  private readonly nonce = randomBytes(16).toString('hex');

  constructor(
    private readonly realm: string,
    private readonly schemes: readonly AuthScheme[],
  ) {}

  headers(): Headers {
    return this.schemes.map((scheme) => ['WWW-Authenticate', scheme === 'digest' ? this.digest() : this.basic()]);
  }

  /** The client's credentials, if they answer this challenge. The password itself is not passed on. */
  credentials(header: string, method: string, isSameStream: (uri: string) => boolean): Credentials | undefined {
    if (header.length > MAX_HEADER_LENGTH) return undefined;
    const [scheme = ''] = /^\w+(?=\s)/.exec(header) ?? [];
    if (/^digest$/i.test(scheme)) {
      return this.schemes.includes('digest') ? this.digestOf(header.slice(6), method, isSameStream) : undefined;
    }
    if (/^basic$/i.test(scheme) && !this.schemes.includes('basic')) return undefined;
    const offered = credentialsOf(header);
    return offered !== undefined && offered.scheme !== 'bearer' && offered.user.length > MAX_USER_LENGTH
      ? undefined
      : offered;
  }

  private digest(): string {
    return `Digest realm="${this.realm}", nonce="${this.nonce}", algorithm=MD5`;
  }

  private basic(): string {
    return `Basic realm="${this.realm}"`;
  }

  private digestOf(text: string, method: string, isSameStream: (uri: string) => boolean): Credentials | undefined {
    const { username, realm, nonce, uri, response, qop, nc = '', cnonce = '', algorithm } = parameters(text);
    if (username === undefined || uri === undefined || response === undefined) return undefined;
    if (realm !== this.realm || nonce !== this.nonce || !isSameStream(uri)) return undefined;
    if (algorithm !== undefined && !/^md5$/i.test(algorithm)) return undefined;
    const between = qop === undefined ? nonce : `${nonce}:${nc}:${cnonce}:${qop}`;
    if (username.length > MAX_USER_LENGTH || between.length > MAX_NONCE_LENGTH) return undefined;
    return digestCredentials(ownCopy(username), realm, ownCopy(between), md5(`${method}:${uri}`), md5OrNone(response));
  }
}

/** A separate function, because its result is kept: its closure holds only these few bounded texts, and no header. */
function digestCredentials(user: string, realm: string, between: string, asked: string, response: string): Credentials {
  const verify = (password: string): boolean =>
    same(md5(`${md5(`${user}:${realm}:${password}`)}:${between}:${asked}`), response);
  return { scheme: 'digest', user, verify };
}

/** Names are matched only at word boundaries: tried at each letter, a word of 16 KiB would take a third of a second. */
function parameters(text: string): Partial<Record<string, string>> {
  const found = Object.create(null) as Record<string, string>;
  for (const [, name = '', quoted, bare] of text.matchAll(/\b(\w+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]+))/g)) {
    found[name.toLowerCase()] = quoted?.replace(/\\(.)/g, '$1') ?? bare ?? '';
  }
  return found;
}

/** Anything that is not a hash equals none. */
const md5OrNone = (text: string): string => (/^[\da-f]{32}$/i.test(text) ? text.toLowerCase() : '');
const md5 = (text: string): string => createHash('md5').update(text).digest('hex');
const sha256 = (text: string): Buffer => createHash('sha256').update(text).digest();
/** Takes equally long wherever they differ, and however long they are. */
const same = (a: string, b: string): boolean => timingSafeEqual(sha256(a), sha256(b));
