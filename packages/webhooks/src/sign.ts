import { createHmac, createPrivateKey, type KeyObject, sign as signWith } from 'node:crypto';
import { StreamSessionsError } from '@stream-sessions/core';

/** Signs a message with a secret of Standard Webhooks 1.0.0, parsed once. */
export type Signer = (content: string) => string;

/** This prefix turns a seed of 32 bytes into an Ed25519 private key in PKCS #8. */
const PKCS8 = Buffer.from('302e020100300506032b657004220420', 'hex');
const SEED_BYTES = 32;

/**
 * `whsec_` is a shared secret of 24 to 64 bytes (`v1`), `whsk_` an Ed25519 private key (`v1a`): its seed, or its seed and public
 * key.
 *
 * @throws StreamSessionsError ERR_BAD_OPTION, which does not show the secret
 */
export function signerOf(secret: string): Signer {
  const [, kind, base64 = ''] = /^(whsec|whsk)_([A-Za-z0-9+/]+={0,2})$/.exec(String(secret)) ?? [];
  const bytes = Buffer.from(base64, 'base64');
  if (kind === 'whsec' && bytes.length >= 24 && bytes.length <= 64) return (content) => `v1,${hmac(bytes, content)}`;
  if (kind === 'whsk' && (bytes.length === SEED_BYTES || bytes.length === 2 * SEED_BYTES)) {
    const key = privateKey(bytes.subarray(0, SEED_BYTES));
    return (content) => `v1a,${signWith(null, Buffer.from(content), key).toString('base64')}`;
  }
  throw new StreamSessionsError(
    'ERR_BAD_OPTION',
    'secrets must be "whsec_" and 24 to 64 bytes in base64, or "whsk_" and a private key of Ed25519 in base64.',
  );
}

const hmac = (key: Buffer, content: string): string => createHmac('sha256', key).update(content).digest('base64');

const privateKey = (seed: Buffer): KeyObject =>
  createPrivateKey({ key: Buffer.concat([PKCS8, seed]), format: 'der', type: 'pkcs8' });

/** The headers of one attempt. `at`: epoch milliseconds of that attempt. */
export function signedHeaders(
  signers: readonly Signer[],
  id: string,
  at: number,
  body: string,
): Record<string, string> {
  const seconds = Math.floor(at / 1000);
  const content = `${id}.${seconds}.${body}`;
  const headers = { 'webhook-id': id, 'webhook-timestamp': String(seconds) };
  if (signers.length === 0) return headers;
  return { ...headers, 'webhook-signature': signers.map((sign) => sign(content)).join(' ') };
}
