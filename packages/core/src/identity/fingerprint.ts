import * as crypto from 'node:crypto';

/** Block and digest sizes of SHA-256, in bytes. */
const BLOCK = 64;
const DIGEST = 32;
/** Longer tokens are rare, and take the slow path. */
const MOST_BYTES = 4_096;

/** Makes the function that returns the short keyed hash shown in place of a token: 8 characters, 48 bits. */
export function fingerprinter(key: string | Buffer): (token: string) => string {
  const keyedHash = hmacSha256(key);
  // A viewer's token is needed twice: on its own, and where it occurs in the query.
  let last: string | undefined;
  let print = '';
  return (token) => {
    if (token !== last) {
      print = keyedHash(token).slice(0, 8);
      last = token;
    }
    return print;
  };
}

/**
 * HMAC-SHA-256 in base64url. Where Node has one-shot hashes (20.12 and later), it is built from two of them, as RFC 2104 defines
 * it: an `Hmac` is an object that the garbage collector has to destroy, and costs twice as much. Every viewer pays for one.
 */
function hmacSha256(key: string | Buffer): (text: string) => string {
  const secret = crypto.createSecretKey(Buffer.from(key));
  const withObject = (text: string): string => crypto.createHmac('sha256', secret).update(text).digest('base64url');
  const { hash } = crypto as Partial<Pick<typeof crypto, 'hash'>>;
  if (hash === undefined) return withObject;
  const keyBytes = Buffer.from(key);
  const block = Buffer.alloc(BLOCK);
  block.set(keyBytes.length > BLOCK ? crypto.createHash('sha256').update(keyBytes).digest() : keyBytes);
  const inner = Buffer.concat([block.map((byte) => byte ^ 0x36), Buffer.alloc(MOST_BYTES)]);
  const outer = Buffer.concat([block.map((byte) => byte ^ 0x5c), Buffer.alloc(DIGEST)]);
  return (text) => {
    // a UTF-16 code unit takes three bytes at most
    if (3 * text.length > MOST_BYTES) return withObject(text);
    const end = BLOCK + inner.write(text, BLOCK);
    outer.write(hash('sha256', inner.subarray(0, end), 'binary'), BLOCK, 'binary');
    return hash('sha256', outer, 'base64url');
  };
}
