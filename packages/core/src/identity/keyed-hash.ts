import { createHmac } from 'node:crypto';
import { RecentMap } from '../collections/recent-map.js';
import { hmacSha256 } from './hmac.js';

/** Texts chosen by strangers are kept as they are up to this length, longer ones as their hash. */
const LONGEST_KEPT = 256;
/** The number of recent texts whose hashes are remembered, and the longest text among them. */
const REMEMBERED = 512;
const LONGEST_REMEMBERED = 2048;
const BYTES = 12;

/**
 * Stands for a credential where it has to be recognised but must not be stored: 96 bits of an HMAC-SHA-256, 16 characters.
 * Trackers with the same `fingerprintKey` produce the same hashes, in any process.
 */
export class KeyedHash {
  private readonly hmac: (text: string) => string;
  /** Identifies the key without revealing anything about it. */
  readonly keyId: string;
  private readonly recent = new RecentMap<string>({ max: REMEMBERED });

  /** @param key The tracker's `fingerprintKey`; the fingerprints that are shown are made directly with it. */
  constructor(key: string | Buffer) {
    const secret = createHmac('sha256', key).update('stream-sessions: credentials').digest();
    this.hmac = hmacSha256(secret, BYTES, 'utf16le');
    this.keyId = this.once('key');
  }

  /** A text that comes again and again costs a look-up each time instead of a hash. */
  of(text: string): string {
    if (text.length > LONGEST_REMEMBERED) return this.once(text);
    return this.recent.get(text) ?? this.recent.set(text, this.once(text));
  }

  /** The text itself, or its hash if it is too long to be kept. Idempotent. */
  compact(text: string): string {
    return text.length <= LONGEST_KEPT ? text : `#${this.of(text)}`;
  }

  /**
   * The same as `of`, for texts that do not come again. It hashes UTF-16 code units: UTF-8 would map different lone surrogates to
   * one character.
   */
  once(text: string): string {
    return this.hmac(text);
  }
}
