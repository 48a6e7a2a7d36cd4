import { isPassword, offeredIn, offersSame } from '../identity/offer.js';
import type { Recipe } from '../identity/recipe.js';
import type { HitFacts } from '../types/hit.js';
import type { Decision } from '../policy/pipeline.js';
import type { Approval } from '../types/policy.js';
import type { AskedWith } from '../session/rare-fields.js';
import { decidedKey, keepDecided, ownCredentials, ownOffer } from '../session/decided.js';
import { setHot } from '../session/hot-fields.js';
import type { Session } from '../session/session.js';
import type { Clock } from '../support/clock.js';
import { ownCopy } from '../support/strings.js';
import type { Grants } from '../lifecycle/grants.js';
import type { HitMerger } from '../registry/hit-merger.js';
import type { ResolvedHit } from '../identity/resolved-hit.js';
import type { Settings } from '../settings/settings.js';

/** Longer ones are not kept, since what was cut off could not be compared. */
const MAX_ASKED_LENGTH = 8192;

/**
 * Tracks which streams and credentials of a live session the policies have judged. What the session goes by is compared directly,
 * which covers nearly every hit. Anything else it came with is kept as a hash, with the time until which its verdict holds.
 */
export class DecidedCredentials {
  constructor(
    private readonly settings: Settings,
    private readonly grants: Grants,
    private readonly merger: HitMerger,
    private readonly clock: Clock,
  ) {}

  /** True when this hit brings a stream or credential that has not been judged for the session, or whose verdict has expired. */
  mustAsk(session: Session, hit: HitFacts, byAlias: boolean, { byStream }: Recipe): boolean {
    const { credentials } = hit;
    if (isPassword(credentials)) return true;
    const { hot } = session;
    const token = hit.token || undefined;
    const own = offersSame(credentials, hot?.credentials);
    if (own && (byStream || hit.stream === session.firstStream)) {
      if (token === session.token) return !session.allowed || this.isOver(hot?.tokenUntil);
      const { authorises, aliasesAdmit } = this.settings;
      if (token === undefined && byAlias && session.allowed && (!authorises || aliasesAdmit)) return false;
    }
    const { rare } = session;
    if (rare?.decided === undefined) return true;
    const { hash } = this.settings;
    const offered = own && token === session.token ? ownOffer(session, hash) : offeredIn(hit, hash);
    const until = rare.decided.get(decidedKey(hit.stream, offered))?.until;
    return until === undefined || this.isOver(until);
  }

  /** The policies approved. `before`: when the session would have ended otherwise. */
  note(session: Session, resolved: ResolvedHit, decision: Decision, before: number): void {
    const { hit, token, stream } = resolved;
    const { policyDecisions } = decision;
    const { hash } = this.settings;
    const isOwn = token === session.token && stream === session.firstStream;
    const { asked } = session.rareFields;
    if (isOwn && (!session.allowed || asked === undefined || offersSame(hit.credentials, session.hot?.credentials))) {
      if (!session.allowed) this.grants.allow(session);
      this.keepAsked(session, hit, decision);
      setHot(session, 'tokenUntil', undefined);
      if (policyDecisions.length > 0) this.grants.record(session, policyDecisions);
      return;
    }
    const end = (decision.verdict as Approval).expiresAt ?? Infinity;
    if (policyDecisions.length > 0) this.grants.recordAlso(session, policyDecisions);
    const { rareFields } = session;
    if (session.allowed && end >= before && mayRenew(session, resolved)) {
      const own = ownOffer(session, hash);
      keepDecided(session, session.firstStream, own, Math.min(before, session.hot?.tokenUntil ?? Infinity));
      if (token !== session.token) this.merger.renameTo(session, resolved);
      this.keepAsked(session, hit, decision);
      setHot(session, 'tokenUntil', end < rareFields.expiresAt ? end : undefined);
      return;
    }
    keepDecided(session, stream, offeredIn(hit, hash), end);
    if (rareFields.expiresAt > before) {
      setHot(session, 'tokenUntil', Math.min(session.hot?.tokenUntil ?? Infinity, before));
    }
  }

  private isOver(until: number | undefined): boolean {
    return until !== undefined && until <= this.clock.now();
  }

  /** Keeps what policies are asked with again, and what the session's own credentials are compared with. */
  private keepAsked(session: Session, hit: HitFacts, { approvals }: Decision): void {
    const { rareFields } = session;
    rareFields.ownOffer = undefined;
    if (approvals.length === 0) return;
    rareFields.asked = askedWith(hit);
    setHot(session, 'credentials', ownCredentials(hit.credentials));
  }
}

/** A credential that lasts as long as the previous one replaces it as what the session goes by. */
function mayRenew(session: Session, { recipe, token, stream }: ResolvedHit): boolean {
  if (stream !== session.firstStream) return false;
  return token === session.token || (recipe.byName && token !== undefined && session.token !== undefined);
}

function askedWith({ query, url }: HitFacts): AskedWith {
  const kept = (text: string | undefined): string | undefined =>
    text !== undefined && text.length <= MAX_ASKED_LENGTH ? ownCopy(text) : undefined;
  const ownUrl = kept(url);
  // most queries are the end of their URL
  if (query && ownUrl?.endsWith(`?${query}`)) {
    return { url: ownUrl, query: undefined, queryAt: ownUrl.length - query.length };
  }
  return { url: ownUrl, query: kept(query), queryAt: undefined };
}
