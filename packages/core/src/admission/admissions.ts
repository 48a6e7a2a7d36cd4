import { conflictsOf } from '../denials/conflicts.js';
import { NOT_SAID_YET } from '../denials/issued-before.js';
import { isAlike } from '../denials/live-match.js';
import { WATCHES, type Watching } from '../denials/watching.js';
import { answersByName, bestNameKind } from '../identity/name.js';
import type { Recipe } from '../identity/recipe.js';
import type { HitFacts } from '../types/hit.js';
import type { Admission, ConnHandle, PendingAdmission, RequestHandle } from '../types/admission.js';
import { NOT_ASKED, type Decision, type Pipeline } from '../policy/pipeline.js';
import { isPromise } from '../support/promises.js';
import type { Approval, TrackerView, Verdict } from '../types/policy.js';
import type { Registry } from '../registry/registry.js';
import type { Session } from '../session/session.js';
import type { Clock } from '../support/clock.js';
import type { Logger } from '../support/logger.js';
import type { Totals } from '../registry/totals.js';
import type { Denials, Refused } from '../denials/denials.js';
import { TrackedConnection, TrackedRequest, type OpenHandle } from '../lifecycle/handles.js';
import type { DecidedCredentials } from './decided-credentials.js';
import { isError } from '../lifecycle/activity.js';
import type { Grants } from '../lifecycle/grants.js';
import type { Lifecycle } from '../lifecycle/lifecycle.js';
import type { Resolver } from '../registry/resolver.js';
import type { Candidates } from './candidates.js';
import { Capacity } from './capacity.js';
import { impossible, type ResolvedHit } from '../identity/resolved-hit.js';
import { gone, isRefused, PendingOpenings, toAnother } from './pending-openings.js';
import type { Made, PendingOpening, Outcome } from './pending-openings.js';
import { endsAny, noRoom, type Evictions } from './evictions.js';
import type { VisitQuestions } from './visit-questions.js';
import type { Settings } from '../settings/settings.js';

type AnyAdmission = Admission<OpenHandle & RequestHandle & ConnHandle>;
type AnyPending = PendingAdmission<OpenHandle & RequestHandle & ConnHandle>;

/** The parts that `Admissions` works with. */
export interface AdmissionParts {
  readonly settings: Settings;
  readonly registry: Registry;
  readonly resolver: Resolver;
  readonly denials: Denials;
  readonly lifecycle: Lifecycle;
  readonly grants: Grants;
  readonly candidates: Candidates;
  readonly decided: DecidedCredentials;
  readonly evictions: Evictions;
  readonly visits: VisitQuestions;
  readonly pipeline: Pipeline;
  readonly view: TrackerView;
  readonly totals: Totals;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** Admits or refuses a viewer: checks denials, caps and policies, in that order, and then opens the session in one step. */
export class Admissions {
  stopped = false;
  private readonly openings: PendingOpenings;
  private readonly capacity: Capacity;
  private readonly settings: Settings;
  private readonly registry: Registry;
  private readonly denials: Denials;
  private readonly lifecycle: Lifecycle;
  private readonly totals: Totals;
  private readonly clock: Clock;

  constructor(private readonly parts: AdmissionParts) {
    const { settings, registry, logger } = parts;
    this.settings = settings;
    this.registry = registry;
    this.denials = parts.denials;
    this.lifecycle = parts.lifecycle;
    this.totals = parts.totals;
    this.clock = parts.clock;
    this.openings = new PendingOpenings(settings.hash, (decision, made) => this.settle(decision, made));
    this.capacity = new Capacity(settings, registry, this.openings, logger);
  }

  /**
   * True when policies must be asked about this hit of a live session: it brings a stream, credential or address that has not
   * been judged for the session, or one whose verdict has expired. The key the session was found by needs no second check.
   */
  mustAsk(session: Session, hit: HitFacts, byAlias: boolean, recipe: Recipe, network: string): boolean {
    if (this.stopped || !this.settings.enabled) return true;
    if (this.settings.policies.length === 0) return false;
    // a token may be good in some places only
    if (!recipe.byAddress && network !== session.network && !session.rare?.networks?.includes(network)) return true;
    return this.parts.decided.mustAsk(session, hit, byAlias, recipe);
  }

  /** The same where no policy is asked: only denials check what is new. */
  mustAskDenials(session: Session, hit: HitFacts, ip: string, network: string): boolean {
    if (this.stopped || !this.settings.enabled) return true;
    return this.mayBeDenied(session, hit, ip, network);
  }

  /** True when a denial could apply to something new that this hit brings to its live session, or to a viewer without a name. */
  mayBeDenied(session: Session, hit: HitFacts, ip: string, network: string): boolean {
    if (this.denials.isEmpty) return false;
    if (!isAlike(session, hit, ip)) return true;
    return this.denials.refusesNamelessAt(network) && !answersByName(session, bestNameKind(hit));
  }

  /** Decides on a hit that belongs to no live session, or that brings something new to one (`joins`). */
  decide(resolved: ResolvedHit, joins: Session | undefined): AnyAdmission | AnyPending {
    const issuedAt = this.settings.policies.length > 0 ? NOT_SAID_YET : undefined;
    const refused = this.refusedAtOnce(resolved, joins ?? this.parts.resolver.resumes(resolved), issuedAt);
    if (refused !== undefined) return refused;
    if (!this.settings.enabled || !resolved.recipe.tracks) return this.handle(resolved, undefined);
    // A request that shares the answer to another request of the same viewer takes up no extra place.
    const shared = this.openings.find(resolved);
    if (shared !== undefined) return this.wait(resolved, joins, shared);
    if (joins === undefined && this.parts.visits.refuses(resolved)) {
      return this.overloaded(resolved, 'the cluster does not answer');
    }
    const full = joins === undefined && this.capacity.isFull(resolved);
    if (full) {
      this.totals.overload++;
      if (this.settings.deniesOverload) return this.overloaded(resolved);
    }
    const { policies } = this.settings;
    const decision =
      policies.length === 0 || this.parts.grants.allowedElsewhere(resolved) !== undefined
        ? NOT_ASKED
        : this.parts.pipeline.ask(policies, this.parts.candidates.of(resolved, joins), this.parts.view);
    if (isPromise(decision)) return this.wait(resolved, joins, this.openings.begin(resolved, full, decision));
    let made: Made | undefined;
    try {
      made = this.commit(resolved, joins, full, decision);
    } finally {
      this.settle(decision, made);
    }
    return this.handOut(resolved, made.outcome);
  }

  /** Records what is already happening: asks no policy, but denials and caps still apply. Undefined: nothing is tracked. */
  record(resolved: ResolvedHit, joins: Session | undefined): Session | undefined {
    if (this.refusedAtOnce(resolved, joins ?? this.parts.resolver.resumes(resolved)) !== undefined) return undefined;
    if (!this.settings.enabled || !resolved.recipe.tracks) return undefined;
    if (joins !== undefined) {
      this.lifecycle.activity.joinAs(joins, resolved);
      return joins;
    }
    if (this.capacity.isFull(resolved)) {
      this.totals.overload++;
      return undefined;
    }
    // The server has answered already. If it answered with an error, for a stream that nobody knows, there is no viewer.
    const { stream } = resolved;
    if (isError(resolved.hit) && !this.registry.liveStreams.isServed(stream)) return undefined;
    const session = this.lifecycle.open(resolved, undefined);
    if (!resolved.isConnection && !isError(resolved.hit)) this.registry.liveStreams.served.add(stream);
    return session;
  }

  refuseStopped(resolved: ResolvedHit): Refused {
    return this.denials.refuseByCap(resolved, 'overload', 'shutdown', 'the tracker has been stopped');
  }

  private refusedAtOnce(resolved: ResolvedHit, joins?: Session, issuedAt?: number): Refused | undefined {
    if (this.stopped) return this.refuseStopped(resolved);
    const flaw = impossible(resolved.hit);
    if (flaw !== undefined) return this.denials.refuseByCap(resolved, 'forbidden', 'limit', flaw);
    return this.denials.match(resolved, joins, issuedAt);
  }

  private overloaded(resolved: ResolvedHit, detail = 'too many sessions'): Refused {
    return this.denials.refuseByCap(resolved, 'overload', 'overload', detail);
  }

  private wait(resolved: ResolvedHit, joins: Session | undefined, opening: PendingOpening): AnyPending {
    return opening.wait<AnyAdmission>(
      (decision) => {
        const answer = this.answer(resolved, joins, opening, decision);
        return opening.askedAbout === resolved ? answer : toAnother(answer);
      },
      () => gone(this.clock.now()),
    );
  }

  /** Answers each request that waited: the first one that no denial stops opens the session, the others join it. */
  private answer(
    resolved: ResolvedHit,
    joins: Session | undefined,
    opening: PendingOpening,
    decision: Decision,
  ): AnyAdmission {
    if (opening.made !== undefined) return this.handOutAlso(resolved, joins, opening.made, decision);
    const made = this.commit(resolved, joins, opening.full, decision);
    // A denial concerns this request alone; a refusal by the policies concerns all of them.
    if (decision.verdict.allow && isRefused(made.outcome)) return made.outcome;
    opening.end(made);
    return this.handOut(resolved, made.outcome);
  }

  /** Applies the whole decision in one step. `full`: there is no room for another tracked session. */
  private commit(resolved: ResolvedHit, asked: Session | undefined, full: boolean, decision: Decision): Made {
    const { verdict } = decision;
    // Another request of this viewer, or a record of one, may have opened the session meanwhile.
    const joins = asked?.isClosed === false ? asked : this.parts.resolver.opened(resolved);
    const live = joins ?? this.continued(resolved, decision);
    // Sessions that must make way do so once this one is served: a made-up name must not cost anyone their place.
    const isUnserved = live?.isUnserved ?? this.lifecycle.opensUnserved(resolved);
    const room = isUnserved ? noRoom(decision) : this.parts.evictions.roomFor(decision, live);
    const refused = this.refusedAtLast(resolved, live, room.decision);
    if (refused !== undefined || !verdict.allow) return { outcome: refused, joined: live };
    if (!this.settings.enabled || (live === undefined && full)) return { outcome: undefined, joined: live };
    const shutOut = this.parts.evictions.make(room, live?.id ?? resolved.idToBe);
    const late = endsAny(room) ? this.refusedMeanwhile(resolved, live, decision) : undefined;
    if (late !== undefined) {
      this.denials.replaced.endAll(shutOut);
      return { outcome: late, joined: live };
    }
    const isAsked = decision !== NOT_ASKED;
    const until = live?.rare?.expiresAt ?? Infinity;
    const session = live ?? this.lifecycle.open(resolved, isAsked ? verdict : undefined);
    if (isUnserved) this.parts.evictions.makeWhenServed(session, decision);
    if (live !== undefined) {
      this.parts.grants.approve(live, verdict);
      this.lifecycle.activity.joinAs(live, resolved);
    }
    this.denials.replaced.whileLives(session, shutOut);
    if (!isAsked) this.parts.grants.allowAsElsewhere(session, resolved);
    if (isAsked) this.parts.decided.note(session, resolved, decision, until);
    return { outcome: session, joined: live };
  }

  /** Tells the policies what became of their approvals. */
  private settle(decision: Decision, made: Made | undefined): void {
    const outcome = made?.outcome;
    const session = outcome === undefined || isRefused(outcome) || outcome.isClosed ? undefined : outcome;
    this.parts.pipeline.settle(decision, session === undefined ? undefined : this.lifecycle.copy(session));
  }

  /** The live session that a policy says this hit continues, for example after its credential was renewed. */
  private continued({ recipe, groupKey, stream }: ResolvedHit, { verdict }: Decision): Session | undefined {
    if (!verdict.allow || verdict.continues === undefined || groupKey === undefined) return undefined;
    const session = this.registry.get(verdict.continues);
    if (session === undefined || session.kind !== recipe.kind || session.group === undefined) return undefined;
    return recipe.byStream && session.stream !== stream ? undefined : session;
  }

  /** A refusal by the policies, or by a denial that was made, or could first be matched by user, while they were being asked. */
  private refusedAtLast(
    resolved: ResolvedHit,
    live: Session | undefined,
    { verdict, refusedBy, vouched, policyDecisions }: Decision,
  ): Refused | undefined {
    if (!verdict.allow) {
      const conflicts = conflictsOf(verdict.conflicts, vouched, this.registry);
      return this.denials.refuseByPolicy(resolved, verdict, refusedBy, policyDecisions, conflicts);
    }
    return this.deniedAs(resolved, verdict, live);
  }

  /** Who heard that others had to go may have stopped the tracker, denied this viewer, or closed its session. */
  private refusedMeanwhile(resolved: ResolvedHit, live: Session | undefined, { verdict }: Decision): Outcome {
    return live?.isClosed === true ? live : this.deniedAs(resolved, verdict, live, WATCHES);
  }

  /** Checks denials under the user name that the policies gave, if they gave one. */
  private deniedAs(resolved: ResolvedHit, verdict: Verdict, live?: Session, as?: Watching): Refused | undefined {
    if (this.stopped) return this.refuseStopped(resolved);
    if (this.denials.isEmpty) return undefined;
    const { userId, issuedAt } = verdict as Approval;
    return this.denials.match(resolved.as(userId), live ?? this.parts.resolver.resumes(resolved, userId), issuedAt, as);
  }

  private handOut(resolved: ResolvedHit, outcome: Outcome): AnyAdmission {
    if (outcome === undefined) return this.handle(resolved, undefined);
    if (isRefused(outcome)) return outcome;
    // A listener of `opened` may have kicked it already.
    if (outcome.isClosed) {
      const reason = outcome.closeReason as string;
      return this.denials.match(resolved, undefined) ?? this.denials.refuseByCap(resolved, 'forbidden', reason, reason);
    }
    return this.handle(resolved, outcome);
  }

  /** Answers another request that waited: denials made meanwhile are checked for each of them. */
  private handOutAlso(
    resolved: ResolvedHit,
    joins: Session | undefined,
    { outcome, joined }: Made,
    { verdict }: Decision,
  ): AnyAdmission {
    if (outcome !== undefined && isRefused(outcome)) return outcome;
    const refused = this.deniedAs(resolved, verdict, joins?.isClosed === false ? joins : joined);
    if (refused !== undefined) return refused;
    if (outcome?.isClosed === false) this.lifecycle.activity.joinAs(outcome, resolved);
    return this.handOut(resolved, outcome);
  }

  private handle(resolved: ResolvedHit, session: Session | undefined): AnyAdmission {
    const Kind = resolved.isConnection ? TrackedConnection : TrackedRequest;
    const handle = new Kind(this.lifecycle, session, this.clock.now());
    if (session !== undefined) this.lifecycle.deadlines.watch(session);
    return handle as unknown as AnyAdmission;
  }
}
