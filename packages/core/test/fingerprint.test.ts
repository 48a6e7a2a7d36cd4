import { createHmac } from 'node:crypto';
import fc from 'fast-check';
import { fingerprinter } from '../src/identity/fingerprint.js';
import { KeyedHash } from '../src/identity/keyed-hash.js';

const text = fc.oneof(
  fc.string(),
  fc.string({ unit: 'binary', maxLength: 2_000 }),
  fc.string({ minLength: 1_000, maxLength: 6_000 }),
);
const key = fc.oneof(
  fc.string(),
  fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes)),
);

it('a fingerprint is the beginning of an HMAC-SHA-256, whatever the key and the token', () => {
  fc.assert(
    fc.property(key, fc.array(text, { minLength: 1, maxLength: 4 }), (secret, tokens) => {
      const fingerprint = fingerprinter(secret);
      for (const token of tokens) {
        const expected = createHmac('sha256', secret).update(token).digest('base64url').slice(0, 8);
        expect(fingerprint(token)).toBe(expected);
        expect(fingerprint(token)).toBe(expected);
      }
    }),
  );
});

it('a keyed hash is the first 96 bits of an HMAC-SHA-256 of the UTF-16 code units, whatever the text', () => {
  fc.assert(
    fc.property(key, fc.array(text, { minLength: 1, maxLength: 4 }), (secret, texts) => {
      const hash = new KeyedHash(secret);
      const inner = createHmac('sha256', secret).update('stream-sessions: credentials').digest();
      for (const each of [...texts, '\ud800', '\ud801']) {
        const digest = createHmac('sha256', inner).update(each, 'utf16le').digest();
        expect(hash.once(each)).toBe(digest.toString('base64url', 0, 12));
      }
    }),
  );
});
