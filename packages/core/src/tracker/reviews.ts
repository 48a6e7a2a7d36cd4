import { isPromise, isVerdict, yesOf, type Decision, type Pipeline } from '../policy/pipeline.js';
import type { Policy, TrackerView, Verdict } from '../policy/policy.js';
import type { Candidate } from '../policy/policy.js';
import { sharedHome } from '../registry/household.js';
import type { Session } from '../registry/session.js';
import type { Admissions } from './admissions.js';
import type { DenialDesk } from './denial-desk.js';
import type { Lifecycle } from './lifecycle.js';
import { Observation } from './observation.js';
import type { InvalidateResult } from './session-tracker.js';
import type { Settings } from './settings.js';

/** How many sessions are asked about at once when policies decide again. */
const ASKED_AT_ONCE = 64;

/** Lets policies decide again about sessions that are live; they play on meanwhile. */
export class Reviews {
  constructor(
    private readonly settings: Settings,
    private readonly lifecycle: Lifecycle,
    private readonly admissions: Admissions,
    private readonly denials: DenialDesk,
    private readonly pipeline: Pipeline,
    private readonly view: TrackerView,
  ) {}

  /** A policy's own deadline has come. True: the session was closed. */
  review(session: Session, now: number): boolean {
    const ask: Policy[] = [];
    for (const policy of this.settings.reviewers) {
      const copy = this.lifecycle.copy(session);
      const due = this.lifecycle.deadlines.deadlineOf(policy, copy);
      if (due !== undefined && due.at > now && session.bytes < due.bytes) continue;
      const verdict =
        due === undefined ? this.pipeline.failure(policy, 'no deadline') : this.reviewed(policy, copy, now);
      if (verdict === 'ask') ask.push(policy);
      else if (!this.apply(session, verdict, policy)) return true;
      else if (verdict.allow && verdict.expiresAt !== undefined) {
        this.lifecycle.judge(session, [yesOf(policy, verdict, now)]);
      }
    }
    if (ask.length > 0 && session.rarities.asking === undefined) void this.again(session, ask);
    if (session.isClosed) return true;
    this.lifecycle.planReview(session);
    return false;
  }

  /** All policies decide again about these sessions, some at a time. */
  async decideAgain(sessions: readonly Session[]): Promise<InvalidateResult> {
    const result: InvalidateResult = { asked: 0, kept: 0, closed: 0, denialsLifted: 0 };
    const queue = sessions.values();
    const worker = async (): Promise<void> => {
      for (const session of queue) {
        if (session.isClosed) continue;
        result.asked++;
        session.rare?.judged?.clear();
        if (await this.again(session, this.settings.policies)) result.kept++;
        else result.closed++;
      }
    };
    await Promise.all(Array.from({ length: ASKED_AT_ONCE }, worker));
    return result;
  }

  /** Asks these policies about a live session. False: it was refused, or has ended meanwhile. */
  private async again(session: Session, policies: readonly Policy[]): Promise<boolean> {
    session.rarities.asking = policies[0]?.name ?? '';
    const observation = this.observationOf(session);
    const candidate: Candidate = Object.freeze({ ...this.admissions.candidate(observation, session), again: true });
    const asked = this.pipeline.ask(policies, candidate, this.view);
    const decision: Decision = isPromise(asked) ? await asked : asked;
    session.rarities.asking = undefined;
    const { verdict, refusedBy } = decision;
    const kept = !session.isClosed && this.apply(session, verdict, refusedBy);
    this.pipeline.settle(decision, kept ? this.lifecycle.copy(session) : undefined);
    if (kept && policies === this.settings.policies) {
      // All were asked: what policies said that are gone by now no longer counts.
      session.rarities.judgements = undefined;
      this.lifecycle.allow(session);
    }
    if (kept && decision.judgements.length > 0) this.lifecycle.judge(session, decision.judgements);
    return kept;
  }

  private reviewed(policy: Policy, copy: ReturnType<Lifecycle['copy']>, now: number): Verdict | 'ask' {
    if (policy.review === undefined) return 'ask';
    try {
      const verdict = policy.review(copy, now);
      return verdict === 'ask' || isVerdict(verdict)
        ? verdict
        : this.pipeline.failure(policy, 'it reviewed to nothing');
    } catch (error) {
      return this.pipeline.failure(policy, 'it threw in review()', error);
    }
  }

  /** False: refused; the session is closed and the refusal remembered. */
  private apply(session: Session, verdict: Verdict, policy: Policy | undefined): boolean {
    if (verdict.allow) {
      this.lifecycle.approve(session, verdict);
      return true;
    }
    this.lifecycle.close(session, verdict.reason, { detail: verdict.detail });
    this.denials.rememberEnded(this.observationOf(session), verdict, policy);
    return false;
  }

  /** What the session was opened with, as far as it is kept. */
  observationOf(session: Session): Observation {
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
      query: rare?.asked?.query ?? session.query,
      url: rare?.asked?.url,
      credentials: rare?.asked?.credentials,
      token: session.token,
      sid: session.sid,
      playerSessionId: session.playerSessionId,
      userId: rare?.userId,
      secure: session.traits.secure,
      dvr: session.traits.dvr,
    };
    const { ip, network, namedBy, name } = session;
    const household = sharedHome(session)?.key ?? (session.home as string | undefined);
    return new Observation(hit, household === undefined, recipe, ip, network, household, namedBy, name);
  }
}
