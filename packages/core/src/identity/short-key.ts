import { createHmac, randomBytes } from 'node:crypto';
import { RecentMap } from '../collections/recent-map.js';

/** Texts of strangers are kept as they are up to this length; longer ones as their hash. */
const LONGEST_KEPT = 256;
/** So many texts that were hashed lately, each of at most so many characters, are not hashed again. */
const REMEMBERED = 512;
const LONGEST_REMEMBERED = 2048;

const SECRET = randomBytes(32);
const recent = new RecentMap<string>({ max: REMEMBERED });

/**
 * What stands for a credential where it has to be recognised but not kept: a keyed hash of 128 bits, 22 characters, good
 * in this process only. Whoever comes with the same one again and again costs a look-up each time, no hash.
 */
export function shortKey(text: string): string {
  if (text.length > LONGEST_REMEMBERED) return digest(text);
  return recent.get(text) ?? recent.set(text, digest(text));
}

/** The text itself, or what stands for it where it is too long to be kept. The same when it is done twice. */
export const compact = (text: string): string => (text.length <= LONGEST_KEPT ? text : `#${shortKey(text)}`);

/** The same of what nobody comes with twice. Of the characters as they are: UTF-8 would make one of two broken ones. */
export function digest(text: string): string {
  return createHmac('sha256', SECRET).update(text, 'utf16le').digest().toString('base64url', 0, 16);
}
