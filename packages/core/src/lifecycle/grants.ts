import { tighterLimits } from '../policy/limits.js';
import type { Registry } from '../registry/registry.js';
import type { Session } from '../session/session.js';
import type { SharedFieldsPool } from '../session/shared-fields.js';
import { FlowRates } from '../session/flow-rates.js';
import { setHot } from '../session/hot-fields.js';
import { withTags } from '../session/tags.js';
import type { Clock } from '../support/clock.js';
import type { Logger } from '../support/logger.js';
import { ownCopy } from '../support/strings.js';
import type { ResolvedHit } from '../identity/resolved-hit.js';
import type { Settings } from '../settings/settings.js';
import type { PolicyDecision } from '../types/explanation.js';
import type { Limits } from '../types/limits.js';
import type { Approval } from '../types/policy.js';
import type { SessionDeadlines } from './session-deadlines.js';

/** What policies grant a session: its user, tags, limits and end, along with each policy's decision. */
export class Grants {
  constructor(
    private readonly settings: Settings,
    private readonly registry: Registry,
    private readonly deadlines: SessionDeadlines,
    private readonly sharedFields: SharedFieldsPool,
    private readonly clock: Clock,
    private readonly logger: Logger,
  ) {}

  /** Applies what the policies' approval says about the session. */
  approve(session: Session, approval: Approval): void {
    if (approval.userId !== undefined) {
      this.registry.setUser(session, ownCopy(approval.userId));
      session.rareFields.vouched = true;
      session.rareFields.issuedAt = approval.issuedAt;
    }
    if (approval.tags !== undefined) this.tag(session, approval.tags);
    if (approval.expiresAt !== undefined) session.rareFields.expiresAt = approval.expiresAt;
  }

  /**
   * Records what these policies decided. Earlier decisions of other policies stand, and the earliest end of any approval applies.
   */
  record(session: Session, policyDecisions: readonly PolicyDecision[]): void {
    const rare = session.rareFields;
    const before = rare.policyDecisions;
    if (before === undefined) rare.policyDecisions = policyDecisions;
    else {
      const isNew = (known: PolicyDecision): boolean => policyDecisions.some(({ policy }) => policy === known.policy);
      const others = before.filter((known) => !isNew(known));
      rare.policyDecisions = [...others, ...policyDecisions.map((decision) => withLimits(decision, before))];
    }
    this.limit(session);
    const endBefore = rare.expiresAt;
    rare.expiresAt = Infinity;
    for (const { expiresAt } of rare.policyDecisions) {
      if (expiresAt !== undefined && expiresAt < rare.expiresAt) rare.expiresAt = expiresAt;
    }
    // Planned once, here: `approve` has not planned the end it sets.
    if (!session.isClosed && Math.min(endBefore, rare.expiresAt) < Infinity) this.deadlines.plan(session);
  }

  /** Records decisions on another credential of the session, which continues until the last of them expires. */
  recordAlso(session: Session, policyDecisions: readonly PolicyDecision[]): void {
    const known = session.rare?.policyDecisions ?? [];
    const later = policyDecisions.map((decision) => {
      const before = known.find(({ policy, allowed }) => policy === decision.policy && allowed);
      if (before === undefined || (before.expiresAt ?? Infinity) <= (decision.expiresAt ?? Infinity)) return decision;
      const { expiresAt: _sooner, ...rest } = decision;
      return before.expiresAt === undefined ? rest : { ...rest, expiresAt: before.expiresAt };
    });
    this.record(session, later);
  }

  /** Applies the tightest limits of the policies' latest decisions, and notifies open handles of a change. */
  private limit(session: Session): void {
    const rare = session.rareFields;
    const limits = (rare.policyDecisions ?? []).reduce<Limits | undefined>(
      (all, { limits: own }) => tighterLimits(all, own),
      undefined,
    );
    const isSame = rare.limits?.downMbits === limits?.downMbits && rare.limits?.upMbits === limits?.upMbits;
    if (isSame) return;
    rare.limits = limits === undefined || isEmpty(limits) ? undefined : Object.freeze({ ...limits });
    // Measured afresh: bytes that flowed before do not count against the new limits.
    setHot(session, 'rates', rare.limits && new FlowRates(rare.limits, this.clock.now()));
    if (session.connections > 0) this.deadlines.watchSpeed(session);
    for (let handle = session.handles; handle !== undefined; handle = handle.nextHandle) handle.limitsChanged();
  }

  /** The policies have approved the stream and token that the session opened with. */
  allow(session: Session): void {
    session.sharedFields = this.sharedFields.share({ ...session.sharedFields, allowed: true });
  }

  /**
   * Until when a hit without credentials, found by what its player calls itself, is admitted on the strength of a verdict from
   * another node, under the same conditions as on a single node. Epoch milliseconds; undefined: the policies are asked.
   */
  allowedElsewhere({ visit, hit, token }: ResolvedHit): number | undefined {
    const { authorises, aliasesAdmit } = this.settings;
    if (visit?.found !== 'alias' || token !== undefined || hit.credentials !== undefined) return undefined;
    const { allowedUntil = -Infinity } = visit;
    return (!authorises || aliasesAdmit) && allowedUntil > this.clock.now() ? allowedUntil : undefined;
  }

  /** Further hits of this kind are admitted until the same time. */
  allowAsElsewhere(session: Session, resolved: ResolvedHit): void {
    const until = session.allowed ? undefined : this.allowedElsewhere(resolved);
    if (until === undefined) return;
    this.allow(session);
    setHot(session, 'tokenUntil', until === Infinity ? undefined : until);
  }

  private tag(session: Session, tags: Readonly<Record<string, string>>): void {
    const known = session.tags;
    if (Object.entries(tags).every(([key, value]) => known[key] === value)) return;
    try {
      session.rareFields.tags = withTags(known, tags);
      this.registry.noteChange(session);
    } catch (error) {
      this.logger.warn({ err: error }, 'a policy gave tags that cannot be kept; the session has none of them');
    }
  }
}

const isEmpty = ({ downMbits, upMbits }: Limits): boolean => downMbits === undefined && upMbits === undefined;

/** An approval that does not mention limits keeps those its policy gave before. */
function withLimits(decision: PolicyDecision, before: readonly PolicyDecision[]): PolicyDecision {
  if (!decision.allowed || decision.limits !== undefined) return decision;
  const limits = before.find(({ policy }) => policy === decision.policy)?.limits;
  return limits === undefined ? decision : { ...decision, limits };
}
