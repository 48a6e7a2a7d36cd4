import { constants, createHmac, sign as signWith, type KeyObject } from 'node:crypto';

export const SECRET = 'a secret of at least thirty-two bytes';
/** When the fake clock begins. */
export const START_SEC = Date.UTC(2026, 0, 1) / 1000;

export const part = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');

/** A token made by hand: what is tested is not tested against itself. */
export function jwt(
  claims: object,
  { secret = SECRET, header = {} }: { secret?: string; header?: object } = {},
): string {
  const signed = `${part({ alg: 'HS256', typ: 'JWT', ...header })}.${part(claims)}`;
  return `${signed}.${createHmac('sha256', secret).update(signed).digest('base64url')}`;
}

/** The same with a private key: RS*, PS*, ES* and EdDSA. */
export function signedBy(key: KeyObject, alg: string, claims: object, kid?: string): string {
  const signed = `${part({ alg, kid })}.${part(claims)}`;
  const hash = alg === 'EdDSA' ? null : `sha${alg.slice(2)}`;
  const options = alg.startsWith('ES')
    ? { key, dsaEncoding: 'ieee-p1363' as const }
    : alg.startsWith('PS')
      ? { key, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: Number(alg.slice(2)) / 8 }
      : key;
  return `${signed}.${signWith(hash, Buffer.from(signed), options).toString('base64url')}`;
}
