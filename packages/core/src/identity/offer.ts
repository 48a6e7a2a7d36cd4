import type { Credentials, HitFacts } from '../types/hit.js';
import type { KeyedHash } from './keyed-hash.js';

/** Stands for an offered password: passwords are never kept, so one never equals what was judged before. */
const PASSWORD = '!';

/** True when both offer the same credentials. A password equals no other, because passwords cannot be compared. */
export function offersSame(a: Credentials | undefined, b: Credentials | undefined): boolean {
  if (a === undefined || b === undefined) return a === b;
  return a.scheme === 'bearer' && b.scheme === 'bearer' && a.token === b.token;
}

/** True for credentials that cannot be compared with earlier ones: a viewer who sends them is judged each time. */
export const isPassword = (credentials: Credentials | undefined): boolean =>
  credentials !== undefined && credentials.scheme !== 'bearer';

/** The credentials that were offered, as keys: '' means none. */
export interface Offered {
  readonly token: string;
  readonly bearer: string;
}

export function offeredIn({ token, credentials }: Pick<HitFacts, 'token' | 'credentials'>, hash: KeyedHash): Offered {
  return {
    token: token ? hash.of(token) : '',
    bearer: credentials === undefined ? '' : credentials.scheme === 'bearer' ? hash.of(credentials.token) : PASSWORD,
  };
}

/** Both as one string. */
export const offeredKey = ({ token, bearer }: Offered): string => `${token} ${bearer}`;

/** The keys of all credentials that may come again: one that came as a token may return as a bearer token, and vice versa. */
export const credentialsIn = (offered: readonly Offered[]): string[] => [
  ...new Set(offered.flatMap(({ token, bearer }) => [token, bearer]).filter((key) => key !== '' && key !== PASSWORD)),
];

export const tokensIn = (offered: readonly Offered[]): string[] => [
  ...new Set(offered.map(({ token }) => token).filter((key) => key !== '')),
];
