import { offeredIn, offeredKey, type Offered } from '../identity/offer.js';
import { ownCopy } from '../support/strings.js';
import type { AskedWith } from './rare-fields.js';
import type { Session } from './session.js';

/** Streams and credentials that were judged, per session; the oldest is asked about again. */
const MAX_JUDGED = 16;

/** Everything that was offered in this session, what it goes by first. */
export function offeredBy(session: Session): Offered[] {
  return [ownOffer(session), ...(session.rare?.judged?.values() ?? [])];
}

/** Policies decide again: whatever comes besides what the session goes by is asked about, but not forgotten. */
export function forgetVerdicts({ rare }: Session): void {
  for (const judged of rare?.judged?.values() ?? []) judged.until = -Infinity;
}

/** Hashed when somebody wants to know, and kept until it goes by another. */
export function ownOffer({ token, rarities }: Session): Offered {
  if (rarities.ownOffer?.of !== token) rarities.ownOffer = undefined;
  return (rarities.ownOffer ??= { ...offeredIn({ token, credentials: rarities.credentials }), of: token });
}

export const judgedKey = (stream: string, offered: Offered): string => `${offeredKey(offered)} ${stream}`;

export function keepJudged(session: Session, stream: string, offered: Offered, until: number): void {
  const judged = (session.rarities.judged ??= new Map());
  const key = ownCopy(judgedKey(stream, offered));
  // the latest stay
  judged.delete(key);
  judged.set(key, { token: offered.token, bearer: offered.bearer, until });
  for (const oldest of judged.keys()) if (judged.size > MAX_JUDGED) judged.delete(oldest);
}

/** The query that it was asked with, as it came. */
export const askedQuery = (asked: AskedWith | undefined): string | undefined =>
  asked?.queryAt === undefined ? asked?.query : asked.url?.slice(asked.queryAt);
