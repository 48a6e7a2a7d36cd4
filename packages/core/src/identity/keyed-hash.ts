import { createHmac, createSecretKey, type KeyObject } from 'node:crypto';
import { RecentMap } from '../collections/recent-map.js';

/** Texts of strangers are kept as they are up to this length; longer ones as their hash. */
const LONGEST_KEPT = 256;
/** So many texts that were hashed lately, each of at most so many characters, are not hashed again. */
const REMEMBERED = 512;
const LONGEST_REMEMBERED = 2048;

/**
 * What stands for a credential where it has to be recognised but not kept: 128 bits of an HMAC-SHA-256, 22 characters.
 * Trackers with the same `fingerprintKey` hash alike, in whatever process.
 */
export class KeyedHash {
  private readonly secret: KeyObject;
  /** Names the key, and tells nothing about it. */
  readonly keyId: string;
  private readonly recent = new RecentMap<string>({ max: REMEMBERED });

  /** @param key The tracker's `fingerprintKey`; fingerprints, which are shown, are made with it as it is. */
  constructor(key: string | Buffer) {
    this.secret = createSecretKey(createHmac('sha256', key).update('stream-sessions: credentials').digest());
    this.keyId = this.once('key');
  }

  /** Whoever comes with the same one again and again costs a look-up each time, no hash. */
  of(text: string): string {
    if (text.length > LONGEST_REMEMBERED) return this.once(text);
    return this.recent.get(text) ?? this.recent.set(text, this.once(text));
  }

  /** The text itself, or what stands for it where it is too long to be kept. The same when it is done twice. */
  compact(text: string): string {
    return text.length <= LONGEST_KEPT ? text : `#${this.of(text)}`;
  }

  /** The same as `of` for what nobody comes with twice. Of the characters as they are: UTF-8 would make one of two broken ones. */
  once(text: string): string {
    return createHmac('sha256', this.secret).update(text, 'utf16le').digest().toString('base64url', 0, 16);
  }
}
