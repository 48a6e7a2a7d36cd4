import type { Registry } from '../registry/registry.js';
import type { Session } from '../session/session.js';
import type { SharedFieldsPool } from '../session/shared-fields.js';
import { withTags } from '../session/tags.js';
import type { Logger } from '../support/logger.js';
import { ownCopy } from '../support/strings.js';
import type { PolicyDecision } from '../types/explanation.js';
import type { Approval } from '../types/policy.js';
import type { SessionDeadlines } from './session-deadlines.js';

/** What policies grant a session: its user, tags, limits and end, and what each of them decided. */
export class Grants {
  constructor(
    private readonly registry: Registry,
    private readonly deadlines: SessionDeadlines,
    private readonly sharedFields: SharedFieldsPool,
    private readonly logger: Logger,
  ) {}

  /** What the policies' yes says of the session. */
  approve(session: Session, approval: Approval): void {
    if (approval.userId !== undefined) {
      this.registry.setUser(session, ownCopy(approval.userId));
      session.rareFields.vouched = true;
    }
    if (approval.tags !== undefined) this.tag(session, approval.tags);
    if (approval.limits !== undefined) session.rareFields.limits = approval.limits;
    if (approval.expiresAt !== undefined) session.rareFields.expiresAt = approval.expiresAt;
  }

  /** What policies said; what the others said before stands, and the earliest end of any yes holds. */
  record(session: Session, policyDecisions: readonly PolicyDecision[]): void {
    const rare = session.rareFields;
    if (rare.policyDecisions === undefined) rare.policyDecisions = policyDecisions;
    else {
      const isNew = (known: PolicyDecision): boolean => policyDecisions.some(({ policy }) => policy === known.policy);
      rare.policyDecisions = [...rare.policyDecisions.filter((known) => !isNew(known)), ...policyDecisions];
    }
    const before = rare.expiresAt;
    rare.expiresAt = Infinity;
    for (const { expiresAt } of rare.policyDecisions) {
      if (expiresAt !== undefined && expiresAt < rare.expiresAt) rare.expiresAt = expiresAt;
    }
    // Once is enough: what an approval says of its end has not been planned yet.
    if (!session.isClosed && Math.min(before, rare.expiresAt) < Infinity) this.deadlines.plan(session);
  }

  /** What they said of another credential of the session: it goes on until the last of them ends. */
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

  /** The policies allowed the stream and token it opened with. */
  allow(session: Session): void {
    session.sharedFields = this.sharedFields.share({ ...session.sharedFields, allowed: true });
  }

  private tag(session: Session, tags: Readonly<Record<string, string>>): void {
    try {
      session.rareFields.tags = withTags(session.tags, tags);
    } catch (error) {
      this.logger.warn({ err: error }, 'a policy gave tags that cannot be kept; the session has none of them');
    }
  }
}
