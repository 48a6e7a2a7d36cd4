import { isAlike } from '../denials/live-match.js';
import { answersByName, bestNameKind } from '../identity/name.js';
import type { Recipe } from '../identity/recipe.js';
import type { HttpHit } from '../types/hit.js';
import type { Admission, ConnHandle, PendingAdmission, RequestHandle } from '../types/admission.js';
import { type Decision, type Pipeline } from '../policy/pipeline.js';
import { isPromise } from '../support/promises.js';
import type { Approval, Candidate, TrackerView, Verdict } from '../types/policy.js';
import type { Registry } from '../registry/registry.js';
import type { Session } from '../session/session.js';
import type { Clock } from '../support/clock.js';
import type { Logger } from '../support/logger.js';
import type { Counters } from '../registry/totals.js';
import type { DenialDesk, Refused } from '../denials/denials.js';
import { TrackedConnection, TrackedRequest, type OpenHandle } from '../lifecycle/handles.js';
import type { JudgedCredentials } from './decided-credentials.js';
import { isError, type Lifecycle } from '../lifecycle/lifecycle.js';
import { impossible, type ResolvedHit } from '../identity/resolved-hit.js';
import { Openings, type Made, type Opening, type Outcome } from './pending-openings.js';
import { noRoom, type RoomMaker } from './evictions.js';
import type { Settings } from '../settings/settings.js';

type AnyAdmission = Admission<OpenHandle & RequestHandle & ConnHandle>;
type AnyPending = PendingAdmission<OpenHandle & RequestHandle & ConnHandle>;

/** What asking policies takes. */
export interface AskingParts {
  readonly pipeline: Pipeline;
  readonly view: TrackerView;
  readonly judged: JudgedCredentials;
  readonly room: RoomMaker;
}

/** Lets in or refuses: denials, caps, policies, in that order; then opens the session, all at once. */
export class Admissions {
  stopped = false;
  private readonly openings = new Openings((decision, made) => this.settle(decision, made));
  private warnedOfCap = false;

  constructor(
    private readonly settings: Settings,
    private readonly registry: Registry,
    private readonly denials: DenialDesk,
    private readonly lifecycle: Lifecycle,
    private readonly asking: AskingParts,
    private readonly counters: Counters,
    private readonly clock: Clock,
    private readonly logger: Logger,
  ) {}

  /**
   * True when policies have to be asked about this hit of a live session: it brings a stream, credential or address that
   * was not judged there, or no longer holds. What it was found by needs no second look.
   */
  mustAsk(session: Session, hit: HttpHit, byAlias: boolean, recipe: Recipe, network: string): boolean {
    if (this.stopped || !this.settings.enabled) return true;
    if (this.settings.policies.length === 0) return false;
    // a token may be good in some places only
    if (!recipe.byAddress && !isSeenAt(session, network)) return true;
    return this.asking.judged.mustAsk(session, hit, byAlias, recipe);
  }

  /** The same where no policy is asked: only the denials look at what is new. */
  mustAskDenials(session: Session, hit: HttpHit, ip: string, network: string): boolean {
    if (this.stopped || !this.settings.enabled) return true;
    return this.mayBeDenied(session, hit, ip, network);
  }

  /** True when a denial could be about what this hit brings that is new to its live session, or about who has no name. */
  mayBeDenied(session: Session, hit: HttpHit, ip: string, network: string): boolean {
    if (this.denials.isEmpty) return false;
    if (!isAlike(session, hit, ip)) return true;
    return this.denials.refusesNamelessAt(network) && !answersByName(session, bestNameKind(hit));
  }

  /** Asks for one that no live session answers for, or that brings something new to one (`joins`). */
  decide(observation: ResolvedHit, joins: Session | undefined): AnyAdmission | AnyPending {
    const refused = this.refusedAtOnce(observation, joins);
    if (refused !== undefined) return refused;
    if (!this.settings.enabled || !observation.recipe.tracks) return this.handle(observation, undefined);
    // Who waits for the answer that another request of his waits for takes no place of his own.
    const shared = this.openings.find(observation);
    if (shared !== undefined) return this.wait(observation, joins, shared);
    const full = joins === undefined && this.isFull(observation);
    if (full) {
      this.counters.overload++;
      if (this.settings.deniesOverload) return this.overloaded(observation);
    }
    const { policies } = this.settings;
    const decision =
      policies.length === 0
        ? NOT_ASKED
        : this.asking.pipeline.ask(policies, this.candidate(observation, joins), this.asking.view);
    if (isPromise(decision)) return this.wait(observation, joins, this.openings.begin(observation, full, decision));
    let made: Made | undefined;
    try {
      made = this.commit(observation, joins, full, decision);
    } finally {
      this.settle(decision, made);
    }
    return this.handOut(observation, made.outcome);
  }

  /** Records what already happens: asks no policy; denials and caps hold. Undefined: nothing is tracked. */
  record(observation: ResolvedHit, joins: Session | undefined): Session | undefined {
    if (this.refusedAtOnce(observation, joins) !== undefined) return undefined;
    if (!this.settings.enabled || !observation.recipe.tracks) return undefined;
    if (joins !== undefined) {
      this.lifecycle.joinAs(joins, observation);
      return joins;
    }
    if (this.isFull(observation)) {
      this.counters.overload++;
      return undefined;
    }
    // It was answered already: with an error on a stream that nobody knows, it was nobody.
    const { stream } = observation;
    if (isError(observation.hit) && !this.registry.isServed(stream)) return undefined;
    const session = this.lifecycle.open(observation, undefined);
    if (!observation.isConnection && !isError(observation.hit)) this.registry.served.add(stream);
    return session;
  }

  refuseStopped(observation: ResolvedHit): Refused {
    return this.denials.refuseByCap(observation, 'overload', 'shutdown', 'the tracker has been stopped');
  }

  /** What the policies are told of one who asks. */
  candidate(observation: ResolvedHit, joins: Session | undefined): Candidate {
    const { ip } = observation;
    const facts = withoutBytes(observation.hit);
    const country = joins?.country ?? observation.country(this.settings.geo, this.logger);
    const candidate: { -readonly [K in keyof Candidate]: Candidate[K] } = { ...facts, ip, kind: observation.kind };
    candidate.id = joins?.id ?? observation.idToBe;
    if (country) candidate.country = country;
    if (facts.referer) candidate.referer = this.lifecycle.refererOf(facts);
    if (joins !== undefined) candidate.session = this.lifecycle.copy(joins);
    return Object.freeze(candidate);
  }

  private refusedAtOnce(observation: ResolvedHit, joins: Session | undefined): Refused | undefined {
    if (this.stopped) return this.refuseStopped(observation);
    const flaw = impossible(observation.hit);
    if (flaw !== undefined) return this.denials.refuseByCap(observation, 'forbidden', 'limit', flaw);
    return this.denials.match(observation, joins);
  }

  private isFull({ network }: ResolvedHit): boolean {
    const { maxSessions, maxSessionsPerIp } = this.settings;
    const here = this.registry.countOfNetwork(network) + this.openings.countAt(network);
    const all = this.registry.live.size + this.registry.unserved.size + this.openings.size;
    const full = all >= maxSessions || here >= maxSessionsPerIp;
    if (full && !this.warnedOfCap) {
      this.warnedOfCap = true;
      this.logger.warn(
        { active: this.registry.live.size, maxSessions, sameAddress: here, maxSessionsPerIp },
        'a cap on sessions is reached; if all viewers seem to share one address, configure which proxies are trusted',
      );
    }
    return full;
  }

  private overloaded(observation: ResolvedHit): Refused {
    return this.denials.refuseByCap(observation, 'overload', 'overload', 'too many sessions');
  }

  private wait(observation: ResolvedHit, joins: Session | undefined, opening: Opening): AnyPending {
    return opening.wait<AnyAdmission>(
      (decision) => this.answer(observation, joins, opening, decision),
      () => gone(this.clock.now()),
    );
  }

  /** For each of those who waited: the first whom no denial stops opens the session, the others join it. */
  private answer(
    observation: ResolvedHit,
    joins: Session | undefined,
    opening: Opening,
    decision: Decision,
  ): AnyAdmission {
    if (opening.made !== undefined) return this.handOutAlso(observation, joins, opening.made, decision);
    const made = this.commit(observation, joins, opening.full, decision);
    // A denial is about this one alone; the policies' no is about all of them.
    if (decision.verdict.allow && isRefused(made.outcome)) return made.outcome;
    opening.end(made);
    return this.handOut(observation, made.outcome);
  }

  /** All that was decided becomes true, in one step. `full`: there is no room for another that is tracked. */
  private commit(observation: ResolvedHit, asked: Session | undefined, full: boolean, decision: Decision): Made {
    const { verdict } = decision;
    // Another of this viewer's requests, or a record of one, may have opened the session meanwhile.
    const joins = asked?.isClosed === false ? asked : this.lifecycle.opened(observation);
    const live = joins ?? this.continued(observation, decision);
    // Who has to go for it goes when it is served: a name that somebody made up is worth nobody's place.
    const isUnserved = live?.isUnserved ?? this.lifecycle.opensUnserved(observation);
    const room = isUnserved ? noRoom(decision) : this.asking.room.roomFor(decision, live);
    const refused = this.refusedAtLast(observation, live, room.decision);
    if (refused !== undefined || !verdict.allow) return { outcome: refused, joined: live };
    if (!this.settings.enabled || (live === undefined && full)) return { outcome: undefined, joined: live };
    const shutOut = this.asking.room.make(room);
    const isAsked = decision !== NOT_ASKED;
    const until = live?.rare?.expiresAt ?? Infinity;
    const session = live ?? this.lifecycle.open(observation, isAsked ? verdict : undefined);
    if (isUnserved) this.asking.room.makeWhenServed(session, decision);
    if (live !== undefined) {
      this.lifecycle.approve(live, verdict);
      this.lifecycle.joinAs(live, observation);
    }
    this.denials.replaced.whileLives(session, shutOut);
    if (isAsked) this.asking.judged.note(session, observation, decision, until);
    return { outcome: session, joined: live };
  }

  /** Tells the policies what came of their yeses. */
  private settle(decision: Decision, made: Made | undefined): void {
    const outcome = made?.outcome;
    const session = outcome === undefined || isRefused(outcome) || outcome.isClosed ? undefined : outcome;
    this.asking.pipeline.settle(decision, session === undefined ? undefined : this.lifecycle.copy(session));
  }

  /** The live session that this is by the word of a policy: whose credential has been renewed, for one. */
  private continued({ recipe, household, stream }: ResolvedHit, { verdict }: Decision): Session | undefined {
    if (!verdict.allow || verdict.continues === undefined || household === undefined) return undefined;
    const session = this.registry.get(verdict.continues);
    if (session === undefined || session.kind !== recipe.kind || session.home === undefined) return undefined;
    return recipe.byStream && session.stream !== stream ? undefined : session;
  }

  /** The policies' no; or a denial that was made, or has a name to go by, only since they were asked. */
  private refusedAtLast(
    observation: ResolvedHit,
    live: Session | undefined,
    { verdict, refusedBy, judgements }: Decision,
  ): Refused | undefined {
    if (this.stopped) return this.refuseStopped(observation);
    if (!verdict.allow) return this.denials.refuseByPolicy(observation, verdict, refusedBy, judgements);
    return this.deniedAs(observation, verdict, live);
  }

  /** By the name that the policies gave it, if they did. */
  private deniedAs(observation: ResolvedHit, verdict: Verdict, live: Session | undefined): Refused | undefined {
    if (this.denials.isEmpty) return undefined;
    return this.denials.match(observation.as((verdict as Approval).userId), live);
  }

  private handOut(observation: ResolvedHit, outcome: Outcome): AnyAdmission {
    if (outcome === undefined) return this.handle(observation, undefined);
    if (isRefused(outcome)) return outcome;
    // A listener of `opened` may have kicked it already.
    if (outcome.isClosed) {
      const reason = outcome.closeReason as string;
      return (
        this.denials.match(observation, undefined) ?? this.denials.refuseByCap(observation, 'forbidden', reason, reason)
      );
    }
    return this.handle(observation, outcome);
  }

  /** To another who waited: what was denied meanwhile is looked at for each of them. */
  private handOutAlso(
    observation: ResolvedHit,
    joins: Session | undefined,
    { outcome, joined }: Made,
    { verdict }: Decision,
  ): AnyAdmission {
    if (outcome !== undefined && isRefused(outcome)) return outcome;
    const refused = this.deniedAs(observation, verdict, joins?.isClosed === false ? joins : joined);
    if (refused !== undefined) return refused;
    if (outcome?.isClosed === false) this.lifecycle.joinAs(outcome, observation);
    return this.handOut(observation, outcome);
  }

  private handle(observation: ResolvedHit, session: Session | undefined): AnyAdmission {
    const Kind = observation.isConnection ? TrackedConnection : TrackedRequest;
    const handle = new Kind(this.lifecycle, session, this.clock.now());
    if (session !== undefined) this.lifecycle.deadlines.watch(session);
    return handle as unknown as AnyAdmission;
  }
}

const isSeenAt = ({ network: first, rare }: Session, network: string): boolean =>
  network === first || (rare?.networks?.includes(network) ?? false);

const isRefused = (outcome: Outcome): outcome is Refused => outcome !== undefined && 'admitted' in outcome;

const APPROVED: Approval = { allow: true };
const NOT_ASKED: Decision = Object.freeze({ verdict: APPROVED, yeses: [], judgements: [] });

/** Leaving out a field costs several times what copying all does, and few hits have it. */
function withoutBytes(hit: ResolvedHit['hit']): Omit<ResolvedHit['hit'], 'bytes'> {
  if (hit.bytes === undefined) return hit;
  const { bytes: _bytes, ...facts } = hit;
  return facts;
}

/** The answer for one who no longer waits for it. */
function gone(now: number): Refused {
  const facts = { id: '', target: {}, by: 'cap', kind: 'overload', reason: 'client_gone', hits: 0 } as const;
  return { admitted: false, denial: { ...facts, since: now, until: now } };
}
