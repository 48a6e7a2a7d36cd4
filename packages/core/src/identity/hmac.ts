import * as crypto from 'node:crypto';

/** Block and digest sizes of SHA-256, in bytes. */
const BLOCK = 64;
const DIGEST = 32;
/** Longer texts are rare, and take the slow path. */
const MOST_BYTES = 4_096;

/**
 * Makes the beginning of an HMAC-SHA-256 in base64url: so many bytes of it. Where Node has one-shot hashes (20.12 and later), it
 * is built from two of them, as RFC 2104 defines it: an `Hmac` is an object that the garbage collector has to destroy, and costs
 * twice as much. Every viewer pays for several.
 */
export function hmacSha256(
  key: string | Buffer,
  bytes: number,
  encoding: 'utf8' | 'utf16le' = 'utf8',
): (text: string) => string {
  const secret = crypto.createSecretKey(Buffer.from(key));
  const withObject = (text: string): string =>
    crypto.createHmac('sha256', secret).update(text, encoding).digest().toString('base64url', 0, bytes);
  const { hash } = crypto as Partial<Pick<typeof crypto, 'hash'>>;
  if (hash === undefined) return withObject;
  const keyBytes = Buffer.from(key);
  const block = Buffer.alloc(BLOCK);
  block.set(keyBytes.length > BLOCK ? crypto.createHash('sha256').update(keyBytes).digest() : keyBytes);
  const inner = Buffer.concat([block.map((byte) => byte ^ 0x36), Buffer.alloc(MOST_BYTES)]);
  const outer = Buffer.concat([block.map((byte) => byte ^ 0x5c), Buffer.alloc(DIGEST)]);
  const result = Buffer.alloc(DIGEST);
  return (text) => {
    // in UTF-8, a UTF-16 code unit takes three bytes at most
    if (3 * text.length > MOST_BYTES) return withObject(text);
    const end = BLOCK + inner.write(text, BLOCK, encoding);
    outer.write(hash('sha256', inner.subarray(0, end), 'binary'), BLOCK, 'binary');
    result.write(hash('sha256', outer, 'binary'), 'binary');
    // a piece of a longer string would keep all of it in memory
    return result.toString('base64url', 0, bytes);
  };
}
