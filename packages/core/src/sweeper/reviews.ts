import { noOf, yesOf, type Decision, type Pipeline } from '../policy/pipeline.js';
import { isPromise } from '../support/promises.js';
import type { Approval, Candidate, Policy, Refusal, TrackerView, Verdict } from '../types/policy.js';
import { isVerdict, kept } from '../policy/verdicts.js';
import { sharedGroup } from '../registry/identity-group.js';
import type { Excess } from '../session/flow-rates.js';
import { setHot } from '../session/hot-fields.js';
import type { Session } from '../session/session.js';
import type { Candidates } from '../admission/candidates.js';
import type { Denials } from '../denials/denials.js';
import type { Grants } from '../lifecycle/grants.js';
import type { Lifecycle } from '../lifecycle/lifecycle.js';
import { ResolvedHit } from '../identity/resolved-hit.js';
import type { PolicyDecision } from '../types/explanation.js';
import { askedQuery, forgetVerdicts } from '../session/decided.js';
import type { InvalidateResult } from '../types/operations.js';
import { noRoom, type Evictions } from '../admission/evictions.js';
import { monotonic, type Clock } from '../support/clock.js';
import type { Logger } from '../support/logger.js';
import type { Settings } from '../settings/settings.js';

/** The number of sessions judged concurrently when policies decide again. */
const ASKED_AT_ONCE = 64;
/** This many looks in a row without a review are not a coincidence. */
const MAX_VAIN_LOOKS = 10;

/** How long a viewer whose connection exceeded its limits is kept out of the stream. Milliseconds. */
const TOO_FAST_MS = 60_000;

const rounded = (mbits: number): number => Number(mbits.toPrecision(3));

/** The parts that `Reviews` works with. */
export interface ReviewParts {
  readonly settings: Settings;
  readonly lifecycle: Lifecycle;
  readonly grants: Grants;
  readonly candidates: Candidates;
  readonly evictions: Evictions;
  readonly denials: Denials;
  readonly pipeline: Pipeline;
  readonly view: TrackerView;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** Lets policies decide again about live sessions, which play on meanwhile. */
export class Reviews {
  private readonly settings: Settings;
  private readonly lifecycle: Lifecycle;
  private readonly grants: Grants;
  private readonly candidates: Candidates;
  private readonly evictions: Evictions;
  private readonly denials: Denials;
  private readonly pipeline: Pipeline;
  private readonly view: TrackerView;
  private readonly clock: Clock;
  private readonly logger: Logger;
  private hasWarned = false;

  constructor(parts: ReviewParts) {
    this.settings = parts.settings;
    this.lifecycle = parts.lifecycle;
    this.grants = parts.grants;
    this.candidates = parts.candidates;
    this.evictions = parts.evictions;
    this.denials = parts.denials;
    this.pipeline = parts.pipeline;
    this.view = parts.view;
    this.clock = parts.clock;
    this.logger = parts.logger;
  }

  /** A policy's own deadline has come. True: the session was closed. */
  review(session: Session, now: number): boolean {
    const { deadlines } = this.lifecycle;
    const ask: Policy[] = [];
    let looked = false;
    for (const policy of this.settings.reviewers) {
      const copy = this.lifecycle.copy(session);
      const due = deadlines.deadlineOf(policy, copy);
      if (due !== undefined && due.at > now && session.totalBytes < due.bytes) continue;
      looked = true;
      const verdict =
        due === undefined ? this.pipeline.failure(policy, 'no deadline') : this.reviewed(policy, copy, now);
      if (!this.accept(session, policy, verdict, now, ask)) return true;
    }
    this.noteLook(session, looked);
    if (ask.length > 0 && session.rareFields.asking === undefined) void this.again(session, ask);
    if (session.isClosed) return true;
    this.lifecycle.planReview(session);
    return false;
  }

  /** A policy asks to review a live session now. */
  reviewBy(policy: Policy, session: Session): void {
    const now = this.clock.now();
    const ask: Policy[] = [];
    if (!this.accept(session, policy, this.reviewed(policy, this.lifecycle.copy(session), now), now, ask)) return;
    if (ask.length > 0) void this.again(session, ask);
    if (session.isClosed) return;
    this.lifecycle.planReview(session);
    this.lifecycle.deadlines.plan(session);
  }

  /** All policies decide again about these sessions, a limited number at a time. */
  async decideAgain(sessions: readonly Session[]): Promise<InvalidateResult> {
    const asked: Session[] = [];
    const queue = sessions.values();
    const worker = async (): Promise<void> => {
      for (const session of queue) {
        if (session.isClosed) continue;
        asked.push(session);
        forgetVerdicts(session);
        await this.again(session, this.settings.policies);
      }
    };
    await Promise.all(Array.from({ length: ASKED_AT_ONCE }, worker));
    // A session that was kept may have been closed to make room for a later one.
    const closed = asked.filter((session) => session.isClosed).length;
    return { asked: asked.length, kept: asked.length - closed, closed, denialsLifted: 0 };
  }

  /** Asks these policies about a live session. */
  private async again(session: Session, policies: readonly Policy[]): Promise<void> {
    session.rareFields.asking = policies[0]?.name ?? '';
    const resolved = this.resolvedAgain(session);
    const candidate: Candidate = Object.freeze({ ...this.candidates.of(resolved, session), again: true });
    const asked = this.pipeline.ask(policies, candidate, this.view, (policy) => (session.rareFields.asking = policy));
    const answer: Decision = isPromise(asked) ? await asked : asked;
    session.rareFields.asking = undefined;
    const room = session.isUnserved ? noRoom(answer) : this.evictions.roomFor(answer, session);
    const { verdict, refusedBy, policyDecisions } = room.decision;
    // Renewed meanwhile: the session no longer goes by what was asked about.
    const outdated = session.token !== resolved.token || session.hot?.credentials !== resolved.hit.credentials;
    const kept = !session.isClosed && (verdict.allow || outdated);
    if (!session.isClosed && !verdict.allow && !outdated) {
      this.end(session, resolved, verdict, refusedBy, policyDecisions);
    }
    if (kept && verdict.allow && !outdated) {
      this.grant(session, () => {
        this.grants.approve(session, verdict);
        if (policies === this.settings.policies) {
          // All policies were asked: decisions of policies that have been removed no longer count.
          session.rareFields.policyDecisions = undefined;
          setHot(session, 'tokenUntil', undefined);
          this.grants.allow(session);
        }
        if (policyDecisions.length > 0) this.grants.record(session, policyDecisions);
      });
      this.evictions.makeFor(session, room);
    }
    this.pipeline.settle(answer, kept && !session.isClosed ? this.lifecycle.copy(session) : undefined);
  }

  /** Applies the verdict of a review; a policy that has to be asked is added to `ask`. False: the session was closed. */
  private accept(session: Session, policy: Policy, verdict: Verdict | 'ask', now: number, ask: Policy[]): boolean {
    if (verdict === 'ask') ask.push(policy);
    else if (verdict.allow) this.keep(session, verdict, policy, now);
    else {
      this.end(session, this.resolvedAgain(session), verdict, policy, [noOf(policy, verdict, now)]);
      return false;
    }
    return true;
  }

  /** Warns of a deadline that is given relative to now and is therefore never reached. */
  private noteLook({ rareFields }: Session, looked: boolean): void {
    rareFields.vainLooks = looked ? 0 : rareFields.vainLooks + 1;
    if (rareFields.vainLooks !== MAX_VAIN_LOOKS || this.hasWarned) return;
    this.hasWarned = true;
    const policies = this.settings.reviewers.map(({ name }) => name);
    this.logger.warn(
      { policies },
      'a policy keeps moving its deadline ahead, so it never reviews: deadline() must return a time, not a duration',
    );
  }

  /** The session's connections have exceeded its limits for too long. Returns true: it was closed. */
  tooFast(session: Session, { direction, mbits, limit }: Excess): true {
    const what = `${rounded(mbits)} Mbit/s ${direction}, ${rounded(limit)} allowed`;
    const refusal = {
      allow: false,
      reason: 'over_speed',
      kind: 'limit',
      detail: what,
      denyForMs: TOO_FAST_MS,
    } as const;
    this.end(session, this.resolvedAgain(session), refusal, undefined, []);
    return true;
  }

  private reviewed(policy: Policy, copy: ReturnType<Lifecycle['copy']>, now: number): Verdict | 'ask' {
    if (policy.review === undefined) return 'ask';
    const start = monotonic(this.clock);
    try {
      const verdict = policy.review(copy, now);
      if (verdict === 'ask') return verdict;
      return isVerdict(verdict) ? kept(verdict) : this.pipeline.failure(policy, 'its review() returned no verdict');
    } catch (error) {
      return this.pipeline.failure(policy, 'it threw in review()', error);
    } finally {
      this.pipeline.times.add(policy, monotonic(this.clock) - start);
    }
  }

  private keep(session: Session, verdict: Approval, policy: Policy, now: number): void {
    this.grant(session, () => {
      this.grants.approve(session, verdict);
      if (verdict.expiresAt !== undefined || verdict.limits !== undefined)
        this.grants.record(session, [yesOf(policy, verdict, now)]);
    });
  }

  /** Applies the change, and notifies listeners if it altered the session's user, tags or limits. */
  private grant(session: Session, change: () => void): void {
    const { userId, tags, limits } = session.rareFields;
    change();
    const after = session.rareFields;
    if (userId !== after.userId || tags !== after.tags || limits !== after.limits) {
      this.lifecycle.activity.changed(session);
    }
  }

  /** Refused: closes the session and remembers the refusal. */
  private end(
    session: Session,
    resolved: ResolvedHit,
    refusal: Refusal,
    policy: Policy | undefined,
    policyDecisions: readonly PolicyDecision[],
  ): void {
    this.grants.record(session, policyDecisions);
    this.lifecycle.close(session, refusal.reason, { detail: refusal.detail });
    this.denials.rememberEnded(resolved, refusal, policy, policyDecisions);
  }

  /** What the session was opened with, as far as it was kept. */
  private resolvedAgain(session: Session): ResolvedHit {
    const { rare } = session;
    const recipe = this.settings.recipes[session.kind];
    const hit = {
      id: session.id,
      stream: session.stream,
      protocol: session.protocol,
      kind: session.kind,
      ip: session.ip,
      userAgent: session.userAgent,
      referer: rare?.referer,
      query: askedQuery(rare?.asked) ?? session.query,
      url: rare?.asked?.url,
      credentials: session.hot?.credentials,
      token: session.token,
      sid: session.sid,
      playerSessionId: session.playerSessionId,
      userId: rare?.userId,
      secure: session.sharedFields.secure,
      dvr: session.sharedFields.dvr,
    };
    const { ip, network, namedBy, name } = session;
    const groupKey = sharedGroup(session)?.key ?? (session.group as string | undefined);
    return new ResolvedHit(hit, groupKey === undefined, recipe, ip, network, groupKey, namedBy, name);
  }
}
