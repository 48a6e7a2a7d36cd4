import { createPublicKey, type JsonWebKey, type KeyObject } from 'node:crypto';
import { badOption, badSecret } from '@stream-sessions/core/spi';
import { webUrl } from '../support/web-url.js';

/** The source of the keys. Give exactly one. */
export interface JwtKeys {
  /** Shared secret (HS256, HS384, HS512). At least 32 bytes for HS256, as RFC 7518 section 3.2 requires. */
  secret?: string | Uint8Array | undefined;
  /** Public key or certificate as PEM (RSA, EC, Ed25519). */
  publicKey?: string | undefined;
  /**
   * A JWK set of public keys, or the URL of one: fetched when needed, and again once it is ten minutes old or a token has an
   * unknown key, at most every 30 s. While its server is down, the set is used until it is an hour old.
   */
  jwks?: string | URL | { readonly keys: readonly object[] } | undefined;
}

/**
 * The form that `jose` takes. Prepared when the policy is made, so that a wrong key is found at once and not with the first
 * viewer.
 */
export type PreparedKeys =
  | { readonly key: KeyObject | Uint8Array; readonly algorithms: readonly string[] }
  | { readonly url: URL; readonly algorithms: readonly string[] }
  | { readonly set: { readonly keys: readonly object[] }; readonly algorithms: readonly string[] };

const SYMMETRIC = ['HS256', 'HS384', 'HS512'];
const RSA = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512'];
const EC: Readonly<Record<string, string>> = { prime256v1: 'ES256', secp384r1: 'ES384', secp521r1: 'ES512' };
const ED = ['EdDSA', 'Ed25519'];
/** A set contains public keys: a shared secret must not be published. */
const PUBLIC = [...RSA, ...Object.values(EC), ...ED];
/** RFC 7518, section 3.2: a key at least as large as the hash output; and section 3.3. */
const SHORTEST_SECRET = 32;
const SHORTEST_RSA_BITS = 2048;

/** @throws StreamSessionsError ERR_BAD_OPTION */
export function prepareKeys({ secret, publicKey, jwks }: JwtKeys): PreparedKeys {
  const given = [secret, publicKey, jwks].filter((key) => key !== undefined);
  if (given.length !== 1) throw badOption('jwtPolicy()', 'given exactly one of secret, publicKey, jwks', given.length);
  if (secret !== undefined) return { key: secretKey(secret), algorithms: SYMMETRIC };
  if (publicKey !== undefined) return pemKey(publicKey);
  return jwkSet(jwks as NonNullable<JwtKeys['jwks']>);
}

/**
 * The algorithms that fit the keys, or the chosen subset.
 *
 * @throws StreamSessionsError ERR_BAD_OPTION for an algorithm with which no token could be accepted
 */
export function checkAlgorithms(
  chosen: readonly string[] | undefined,
  { algorithms }: PreparedKeys,
): readonly string[] {
  if (chosen === undefined) return algorithms;
  const given: unknown = chosen;
  if (Array.isArray(given) && given.length > 0 && chosen.every((name) => algorithms.includes(name))) return chosen;
  throw badOption('algorithms', `a list of those that fit the key: ${algorithms.join(', ')}`, chosen);
}

function secretKey(secret: string | Uint8Array): Uint8Array {
  const key: unknown = typeof secret === 'string' ? Buffer.from(secret) : secret;
  if (key instanceof Uint8Array && key.length >= SHORTEST_SECRET) return key;
  throw badSecret('secret', `a string or bytes, at least ${SHORTEST_SECRET} long`, secret);
}

function pemKey(pem: string): PreparedKeys {
  let key: KeyObject;
  try {
    key = createPublicKey(pem);
  } catch {
    throw badSecret('publicKey', 'a public key or certificate as PEM', pem);
  }
  const algorithms = algorithmsOf(key);
  if (algorithms !== undefined) return { key, algorithms };
  throw badOption('publicKey', USABLE, key.asymmetricKeyType);
}

const USABLE = `RSA of ${SHORTEST_RSA_BITS} bits or more, EC (P-256, P-384, P-521) or Ed25519`;

function algorithmsOf({ asymmetricKeyType: type, asymmetricKeyDetails: details }: KeyObject) {
  if (type === 'ed25519') return ED;
  if (type === 'rsa' || type === 'rsa-pss') {
    return (details?.modulusLength ?? 0) >= SHORTEST_RSA_BITS ? RSA : undefined;
  }
  const curve = type === 'ec' ? EC[details?.namedCurve ?? ''] : undefined;
  return curve === undefined ? undefined : [curve];
}

function jwkSet(jwks: NonNullable<JwtKeys['jwks']>): PreparedKeys {
  if (typeof jwks === 'string' || jwks instanceof URL) return { url: webUrl('jwks', jwks), algorithms: PUBLIC };
  const keys: readonly unknown[] = Array.isArray(jwks?.keys) ? jwks.keys : [];
  // An unusable key is ignored, as in a set that is fetched.
  if (keys.some(isUsable)) return { set: jwks, algorithms: PUBLIC };
  throw badSecret('jwks', `a URL, or an object with a list of public keys: ${USABLE}`, jwks);
}

function isUsable(jwk: unknown): boolean {
  if (typeof jwk !== 'object' || jwk === null || 'd' in jwk) return false;
  try {
    return algorithmsOf(createPublicKey({ key: jwk as JsonWebKey, format: 'jwk' })) !== undefined;
  } catch {
    return false;
  }
}
