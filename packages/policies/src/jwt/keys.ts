import { createPublicKey, type KeyObject } from 'node:crypto';
import { badOption } from '@stream-sessions/core/spi';

/** Where the keys come from. Exactly one of them. */
export interface JwtKeys {
  /** Shared secret (HS256, HS384, HS512). At least 32 bytes for HS256, as RFC 7518 section 3.2 has it. */
  secret?: string | Uint8Array;
  /** Public key or certificate as PEM (RSA, EC, Ed25519). */
  publicKey?: string;
  /** A JWK set, or the URL of one: fetched when it is needed and kept; unknown key ids make it look again, at most every 30 s. */
  jwks?: string | URL | { readonly keys: readonly object[] };
}

/** What `jose` takes. Prepared when the policy is made, so that a wrong key is found at once and not at the first viewer. */
export type PreparedKeys =
  | { readonly key: KeyObject | Uint8Array; readonly algorithms: readonly string[] }
  | { readonly url: URL; readonly algorithms: readonly string[] }
  | { readonly set: { readonly keys: readonly object[] }; readonly algorithms: readonly string[] };

const SYMMETRIC = ['HS256', 'HS384', 'HS512'];
const RSA = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512'];
const EC: Readonly<Record<string, string>> = { prime256v1: 'ES256', secp384r1: 'ES384', secp521r1: 'ES512' };
const ED = ['EdDSA', 'Ed25519'];
/** A set of public keys: a secret among them is used only where `algorithms` says so. */
const PUBLIC = [...RSA, ...Object.values(EC), ...ED];
/** RFC 7518, section 3.2: a key of the size of the hash output, or larger. */
const SHORTEST_SECRET = 32;

/** @throws StreamSessionsError ERR_BAD_OPTION */
export function prepareKeys({ secret, publicKey, jwks }: JwtKeys): PreparedKeys {
  const given = [secret, publicKey, jwks].filter((key) => key !== undefined);
  if (given.length !== 1)
    throw badOption('jwtPolicy()', 'given one of secret, publicKey, jwks', `${given.length} of them`);
  if (secret !== undefined) return { key: secretKey(secret), algorithms: SYMMETRIC };
  if (publicKey !== undefined) return pemKey(publicKey);
  return jwkSet(jwks as NonNullable<JwtKeys['jwks']>);
}

function secretKey(secret: string | Uint8Array): Uint8Array {
  const key: unknown = typeof secret === 'string' ? Buffer.from(secret) : secret;
  if (key instanceof Uint8Array && key.length >= SHORTEST_SECRET) return key;
  throw badOption('secret', `a text or bytes, at least ${SHORTEST_SECRET} long`, 'something else');
}

function pemKey(pem: string): PreparedKeys {
  let key: KeyObject;
  try {
    key = createPublicKey(pem);
  } catch {
    throw badOption('publicKey', 'a public key or certificate as PEM', 'something else');
  }
  const { asymmetricKeyType: type, asymmetricKeyDetails: details } = key;
  if (type === 'rsa' || type === 'rsa-pss') return { key, algorithms: RSA };
  if (type === 'ed25519') return { key, algorithms: ED };
  const curve = type === 'ec' ? EC[details?.namedCurve ?? ''] : undefined;
  if (curve === undefined) throw badOption('publicKey', 'RSA, EC (P-256, P-384, P-521) or Ed25519', type);
  return { key, algorithms: [curve] };
}

function jwkSet(jwks: NonNullable<JwtKeys['jwks']>): PreparedKeys {
  if (typeof jwks === 'object' && !(jwks instanceof URL)) {
    if (Array.isArray(jwks.keys) && jwks.keys.length > 0) return { set: jwks, algorithms: PUBLIC };
    throw badOption('jwks', 'a URL or an object with a list of keys', jwks);
  }
  const url = URL.canParse(String(jwks)) ? new URL(jwks) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol)) throw badOption('jwks', 'an http(s) URL', String(jwks));
  return { url, algorithms: PUBLIC };
}
