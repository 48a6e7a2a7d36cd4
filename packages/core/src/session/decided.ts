import type { KeyedHash } from '../identity/keyed-hash.js';
import { offeredIn, offeredKey, offersSame, type Offered } from '../identity/offer.js';
import { ownCopy } from '../support/strings.js';
import type { Credentials } from '../types/hit.js';
import { setHot } from './hot-fields.js';
import type { AskedWith } from './rare-fields.js';
import type { Session } from './session.js';

/** The most streams and credentials remembered as judged per session; beyond that, the oldest is judged again. */
const MAX_DECIDED = 16;

/** Everything that was offered in this session, starting with what it goes by. */
export function offeredBy(session: Session, hash: KeyedHash): Offered[] {
  const { rare } = session;
  const unseen = (rare?.unseen ?? []).flatMap(([kind, token]) => (kind === 'token' ? [{ token, bearer: '' }] : []));
  return [ownOffer(session, hash), ...unseen, ...(rare?.decided?.values() ?? [])];
}

/** The policies decide again: anything besides what the session goes by has to be judged anew, but is not forgotten. */
export function forgetVerdicts({ rare }: Session): void {
  for (const decided of rare?.decided?.values() ?? []) decided.until = -Infinity;
}

/** Hashed on demand, and kept until the session goes by another token. */
export function ownOffer({ token, rareFields, hot }: Session, hash: KeyedHash): Offered {
  if (rareFields.ownOffer?.of !== token) rareFields.ownOffer = undefined;
  return (rareFields.ownOffer ??= { ...offeredIn({ token, credentials: hot?.credentials }, hash), of: token });
}

export const ownCredentials = (credentials: Credentials | undefined): Credentials | undefined =>
  credentials?.scheme === 'bearer' ? { scheme: 'bearer', token: ownCopy(credentials.token) } : credentials;

/** Where no policy judges it: the bearer token that the session came with last may be denied. */
export function keepBearer(session: Session, credentials: Credentials | undefined): void {
  if (credentials?.scheme !== 'bearer' || offersSame(credentials, session.hot?.credentials)) return;
  setHot(session, 'credentials', ownCredentials(credentials));
  if (session.rare !== undefined) session.rare.ownOffer = undefined;
}

export const decidedKey = (stream: string, offered: Offered): string => `${offeredKey(offered)} ${stream}`;

export function keepDecided(session: Session, stream: string, offered: Offered, until: number): void {
  const decided = (session.rareFields.decided ??= new Map());
  const key = ownCopy(decidedKey(stream, offered));
  // re-inserted, so that the most recent stay
  decided.delete(key);
  decided.set(key, { token: offered.token, bearer: offered.bearer, until });
  for (const oldest of decided.keys()) if (decided.size > MAX_DECIDED) decided.delete(oldest);
}

/** The query that policies were asked with, unredacted. */
export const askedQuery = (asked: AskedWith | undefined): string | undefined =>
  asked?.queryAt === undefined ? asked?.query : asked.url?.slice(asked.queryAt);
