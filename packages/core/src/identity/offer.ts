import type { Credentials, HitFacts } from '../types/hit.js';
import type { KeyedHash } from './keyed-hash.js';

/** Stands where a password was offered: it is never kept, and so is never the one that was judged before. */
const PASSWORD = '!';

/** True when both offer the same to be let in by. A password is like no other: nobody can compare it. */
export function offersSame(a: Credentials | undefined, b: Credentials | undefined): boolean {
  if (a === undefined || b === undefined) return a === b;
  return a.scheme === 'bearer' && b.scheme === 'bearer' && a.token === b.token;
}

/** True for what cannot be compared with what came before: who sends one is asked about each time. */
export const isPassword = (credentials: Credentials | undefined): boolean =>
  credentials !== undefined && credentials.scheme !== 'bearer';

/** What was offered to be let in by, as keys: '' is nothing. */
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

/** Both as one text. */
export const offeredKey = ({ token, bearer }: Offered): string => `${token} ${bearer}`;

/** The keys of all that can come again: what came as a token may come as a bearer's, and the other way round. */
export const credentialsIn = (offered: readonly Offered[]): string[] => [
  ...new Set(offered.flatMap(({ token, bearer }) => [token, bearer]).filter((key) => key !== '' && key !== PASSWORD)),
];

export const tokensIn = (offered: readonly Offered[]): string[] => [
  ...new Set(offered.map(({ token }) => token).filter((key) => key !== '')),
];
