import { createHash } from 'node:crypto';

/** Identifies a token, and distinguishes its alternative spellings. */
export interface Spelling {
  /** A hash that is the same for both ECDSA signatures that anyone can derive from one: (r, s) and (r, n - s). */
  readonly id: string;
  /** Which of the two this is: true for the one with the larger s. */
  readonly mirrored: boolean;
}

/** The order n of each curve, FIPS 186-4, D.1.2. */
const ORDERS: Readonly<Record<string, bigint>> = {
  ES256: 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n,
  ES384: 0xffffffffffffffffffffffffffffffffffffffffffffffffc7634d81f4372ddf581a0db248b0a77aecec196accc52973n,
  ES512:
    0x1fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffa51868783bf2f966b7fcc0148f709a5d03bb5c9b8899c47aebb6fb71e91386409n,
};

/**
 * Reads how a token is written: undefined if its issuer did not write it that way. jose is lenient about base64url (blanks,
 * padding, any last letter), and each such text would be a different token to whatever compares texts: a denial, a limit per
 * token, a kick.
 */
export function spellingOf(token: string): Spelling | undefined {
  const parts = token.split('.');
  const [header = '', payload = '', signature = ''] = parts;
  if (parts.length !== 3 || !parts.every(isCanonical)) return undefined;
  const order = ORDERS[algorithmOf(header)];
  const mirror = order === undefined ? undefined : mirrorOf(Buffer.from(signature, 'base64url'), order);
  return { id: hash(`${header}.${payload}.${mirror ?? signature}`), mirrored: mirror !== undefined };
}

/** The canonical text for these bytes: no padding, no blanks, and no stray bits in the last letter. */
const isCanonical = (part: string): boolean =>
  part !== '' && Buffer.from(part, 'base64url').toString('base64url') === part;

function algorithmOf(header: string): string {
  try {
    return String((JSON.parse(Buffer.from(header, 'base64url').toString()) as { alg?: unknown } | null)?.alg);
  } catch {
    return '';
  }
}

/** The signature with the smaller s, if this one has the larger. */
function mirrorOf(signature: Buffer, order: bigint): string | undefined {
  const half = signature.length / 2;
  const s = BigInt(`0x${signature.toString('hex', half)}`);
  if (s <= order / 2n || s >= order) return undefined;
  const other = Buffer.from((order - s).toString(16).padStart(half * 2, '0'), 'hex');
  return Buffer.concat([signature.subarray(0, half), other]).toString('base64url');
}

/** Hashed, because a token is secret and long. */
const hash = (text: string): string => createHash('sha256').update(text).digest('base64url');
