import { isAlike } from '../denials/live-match.js';
import type { HttpHit } from '../model/hit.js';
import type { Admission, ConnHandle, PendingAdmission, RequestHandle } from '../policy/admission.js';
import { idsOf, isPromise, type Decision, type Pipeline } from '../policy/pipeline.js';
import type { Approval, Candidate, TrackerView } from '../policy/policy.js';
import { prefixed, type Recipe } from '../identity/recipe.js';
import { nameKey } from '../identity/name.js';
import { judgedKey, offerOf } from '../identity/offer.js';
import type { Registry } from '../registry/registry.js';
import type { AskedWith, Session } from '../registry/session.js';
import type { Clock } from '../support/clock.js';
import type { Logger } from '../support/logger.js';
import { ownCopy } from '../support/strings.js';
import type { DenialEntry } from '../denials/denial-table.js';
import type { Counters } from './counters.js';
import type { DenialDesk, Refused } from './denial-desk.js';
import { TrackedConnection, TrackedRequest, type OpenHandle } from './handles.js';
import type { Lifecycle } from './lifecycle.js';
import { impossible, type Observation } from './observation.js';
import type { Settings } from './settings.js';

type AnyAdmission = Admission<OpenHandle & RequestHandle & ConnHandle>;
type AnyPending = PendingAdmission<OpenHandle & RequestHandle & ConnHandle>;

/** Streams and credentials that were judged, per session; the oldest is asked again. */
const MAX_JUDGED = 16;

/** What came of asking: the live session, a refusal, or let in without being tracked. */
type Outcome = Session | Refused | undefined;

/** An opening that policies are thinking about. Everybody who asks the same meanwhile waits for the same answer. */
interface Opening {
  readonly opener: Observation;
  waiting: number;
  readonly done: Promise<Outcome>;
}

/** Lets in or refuses: denials, caps, policies, in that order; then opens the session, all at once. */
export class Admissions {
  stopped = false;
  private readonly openings = new Map<string, Opening>();
  private readonly pendingPerNetwork = new Map<string, number>();
  private pending = 0;
  private warnedOfCap = false;

  constructor(
    private readonly settings: Settings,
    private readonly registry: Registry,
    private readonly denials: DenialDesk,
    private readonly lifecycle: Lifecycle,
    private readonly pipeline: Pipeline,
    private readonly counters: Counters,
    private readonly clock: Clock,
    private readonly logger: Logger,
    private readonly view: TrackerView,
  ) {}

  /**
   * True when this hit of a live session brings a stream, credential or address that was not judged there, or no longer
   * holds. What it was found by needs no second look.
   */
  mustAsk(session: Session, hit: HttpHit, byAlias: boolean, recipe: Recipe, network: string): boolean {
    if (this.stopped || !this.settings.enabled) return true;
    const { policies, authorises, aliasesAdmit } = this.settings;
    const asking = policies.length > 0;
    if (!asking && this.denials.isEmpty) return false;
    const { byStream } = recipe;
    // a token may be good in some places only
    if (asking && !recipe.byAddress && !isSeenAt(session, network)) return true;
    const token = hit.token || undefined;
    const { rare } = session;
    const offer = hit.credentials === undefined ? '' : offerOf(hit);
    if (offer === undefined) return asking;
    if ((byStream || hit.stream === session.firstStream) && offer === (rare === undefined ? '' : rare.offer)) {
      if (token === session.token) return asking && (!session.allowed || this.isOver(rare?.tokenUntil));
      if (token === undefined && byAlias && (!asking || (session.allowed && (!authorises || aliasesAdmit))))
        return false;
    }
    const until = rare?.judged?.get(judgedKey(hit.stream, token, offer));
    return until === undefined || this.isOver(until);
  }

  private isOver(until: number | undefined): boolean {
    return until !== undefined && until <= this.clock.now();
  }

  /** The same where no policy is asked: only the denials look at what is new. */
  mustAskDenials(session: Session, hit: HttpHit, ip: string): boolean {
    if (this.stopped || !this.settings.enabled) return true;
    return this.mayBeDenied(session, hit, ip);
  }

  /** True when a denial could be about what this hit brings that is new to its live session. */
  mayBeDenied(session: Session, hit: HttpHit, ip: string): boolean {
    return !this.denials.isEmpty && !isAlike(session, hit, ip);
  }

  /** Asks for one that no live session answers for, or that brings something new to one (`joins`). */
  decide(observation: Observation, joins: Session | undefined): AnyAdmission | AnyPending {
    const refused = this.refusedAtOnce(observation, joins);
    if (refused !== undefined) return refused;
    if (!this.settings.enabled || !observation.recipe.tracks) return this.handle(observation, undefined);
    // Who waits for the answer that another request of his waits for takes no place of his own.
    const shared = this.openings.size === 0 ? undefined : this.openings.get(openingKey(observation) ?? '');
    if (shared !== undefined) return this.wait(observation, shared);
    const full = joins === undefined && this.isFull(observation);
    if (full) {
      this.counters.overload++;
      if (this.settings.deniesOverload) return this.overloaded(observation);
    }
    const asking: Asking = { observation, joins, full, candidate: this.candidate(observation, joins) };
    const { policies } = this.settings;
    if (policies.length === 0) return this.handOut(observation, observation, this.commit(asking, NOT_ASKED));
    const decision = this.pipeline.ask(policies, asking.candidate, this.view);
    if (!isPromise(decision)) return this.handOut(observation, observation, this.commit(asking, decision));
    return this.wait(observation, this.begin(asking, decision));
  }

  /** Records what already happens: asks no policy; denials and caps hold. Undefined: nothing is tracked. */
  record(observation: Observation, joins: Session | undefined): Session | undefined {
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
    return this.lifecycle.open(observation, undefined);
  }

  refuseStopped(observation: Observation): Refused {
    return this.denials.refuseByCap(observation, 'overload', 'shutdown', 'the tracker has been stopped');
  }

  /** What the policies are told of one who asks. */
  candidate(observation: Observation, joins: Session | undefined): Candidate {
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

  private refusedAtOnce(observation: Observation, joins: Session | undefined): Refused | undefined {
    if (this.stopped) return this.refuseStopped(observation);
    const flaw = impossible(observation.hit);
    if (flaw !== undefined) return this.denials.refuseByCap(observation, 'forbidden', 'limit', flaw);
    return this.denials.match(observation, joins);
  }

  private isFull({ network }: Observation): boolean {
    const { maxSessions, maxSessionsPerIp } = this.settings;
    const here = this.registry.countOfNetwork(network) + (this.pendingPerNetwork.get(network) ?? 0);
    const full = this.registry.live.size + this.pending >= maxSessions || here >= maxSessionsPerIp;
    if (full && !this.warnedOfCap) {
      this.warnedOfCap = true;
      this.logger.warn(
        { active: this.registry.live.size, maxSessions, sameAddress: here, maxSessionsPerIp },
        'a cap on sessions is reached; if all viewers seem to share one address, configure which proxies are trusted',
      );
    }
    return full;
  }

  private overloaded(observation: Observation): Refused {
    return this.denials.refuseByCap(observation, 'overload', 'overload', 'too many sessions');
  }

  private begin(asking: Asking, asked: Promise<Decision>): Opening {
    const { network } = asking.observation;
    const key = openingKey(asking.observation);
    this.countPending(network, 1);
    const done = asked.then((decision) => {
      this.countPending(network, -1);
      if (key !== undefined) this.openings.delete(key);
      if (opening.waiting > 0) return this.commit(asking, decision);
      // Everybody has gone meanwhile: nothing opens, and what was reserved is given back.
      this.pipeline.settle(decision, undefined);
      return undefined;
    });
    const opening: Opening = { opener: asking.observation, waiting: 0, done };
    if (key !== undefined) this.openings.set(key, opening);
    return opening;
  }

  private wait(observation: Observation, opening: Opening): AnyPending {
    let waits = true;
    opening.waiting++;
    const admission = opening.done.then((outcome) => {
      if (!waits) return gone(this.clock.now());
      waits = false;
      return this.handOut(observation, opening.opener, outcome);
    });
    const cancel = (): void => {
      if (waits) opening.waiting--;
      waits = false;
    };
    return Object.assign(admission, { cancel });
  }

  /** All that was decided becomes true, in one step. */
  private commit(asking: Asking, decision: Decision): Outcome {
    const { observation } = asking;
    const { verdict } = decision;
    // Another of this viewer's requests, or a record of one, may have opened the session meanwhile.
    const joins = asking.joins?.isClosed === false ? asking.joins : this.lifecycle.opened(observation);
    const live = joins ?? this.continued(observation, decision);
    const room = this.roomFor(decision, live);
    const refused = this.refusedAtLast(observation, live, room.decision);
    if (refused !== undefined || !verdict.allow) {
      this.pipeline.settle(decision, undefined);
      return refused;
    }
    if (!this.settings.enabled || (live === undefined && asking.full)) {
      this.pipeline.settle(decision, undefined);
      return undefined;
    }
    const shutOut = this.makeRoom(room);
    const asked = decision !== NOT_ASKED;
    const until = live?.rare?.expiresAt ?? Infinity;
    const session = live ?? this.lifecycle.open(observation, asked ? verdict : undefined);
    if (live !== undefined) {
      this.lifecycle.approve(live, verdict);
      this.lifecycle.joinAs(live, observation);
    }
    this.denials.whileLives(session, shutOut);
    this.noteJudged(session, observation, decision, until);
    this.pipeline.settle(decision, session.isClosed ? undefined : this.lifecycle.copy(session));
    return session;
  }

  /** The live session that this is by the word of a policy: whose credential has been renewed, for one. */
  private continued({ recipe, household, stream }: Observation, { verdict }: Decision): Session | undefined {
    if (!verdict.allow || verdict.continues === undefined || household === undefined) return undefined;
    const session = this.registry.get(verdict.continues);
    if (session === undefined || session.kind !== recipe.kind || session.home === undefined) return undefined;
    return recipe.byStream && session.stream !== stream ? undefined : session;
  }

  /** Makes room for a session that goes on. */
  makeRoomFor(session: Session, room: Room): void {
    this.denials.whileLives(session, this.makeRoom(room));
  }

  /** Who has to go. A policy that fails to say has refused. */
  roomFor(decision: Decision, live: Session | undefined): Room {
    const { verdict, yeses } = decision;
    const room: Room = { decision, replaced: [], released: [] };
    if (!verdict.allow || (verdict.replace === undefined && verdict.release === undefined)) return room;
    const others = (ids: readonly string[]): Session[] =>
      ids
        .map((id) => this.registry.get(id))
        .filter((session) => session !== undefined && session !== live) as Session[];
    try {
      return { decision, replaced: others(idsOf(verdict.replace)), released: others(idsOf(verdict.release)) };
    } catch (error) {
      const { policy } = yeses.at(-1) as Decision['yeses'][number];
      const refusal = this.pipeline.failure(policy, 'it threw when it had to say who is replaced', error);
      return { ...room, decision: { ...decision, verdict: refusal, refusedBy: policy } };
    }
  }

  /** Returns the denials of who was replaced: they hold as long as the session that replaced them lives. */
  private makeRoom({ replaced, released }: Room): DenialEntry[] {
    for (const session of released) this.lifecycle.close(session, 'idle', { detail: 'another has taken its place' });
    // The denial first, as with a kick. Who was kept out for one that is replaced itself, stays out for the next.
    return replaced.flatMap((session) => {
      const denials = [...this.denials.inherit(session), this.denials.denyReplaced(session)];
      this.lifecycle.close(session, 'replaced');
      return denials;
    });
  }

  /** The policies' no; or a denial that was made, or has a name to go by, only since they were asked. */
  private refusedAtLast(
    observation: Observation,
    live: Session | undefined,
    { verdict, refusedBy, judgements }: Decision,
  ): Refused | undefined {
    if (this.stopped) return this.refuseStopped(observation);
    if (!verdict.allow) return this.denials.refuseByPolicy(observation, verdict, refusedBy, judgements);
    const named = verdict.userId === undefined ? observation : observation.as(verdict.userId);
    return this.denials.match(named, live);
  }

  private handOut(observation: Observation, opener: Observation, outcome: Outcome): AnyAdmission {
    if (outcome === undefined) return this.handle(observation, undefined);
    if ('admitted' in outcome) return outcome;
    // A listener of `opened` may have kicked it already.
    if (outcome.isClosed) {
      const reason = outcome.closeReason as string;
      return (
        this.denials.match(observation, undefined) ?? this.denials.refuseByCap(observation, 'forbidden', reason, reason)
      );
    }
    if (observation !== opener) this.lifecycle.joinAs(outcome, observation);
    return this.handle(observation, outcome);
  }

  private handle(observation: Observation, session: Session | undefined): AnyAdmission {
    const Kind = observation.isConnection ? TrackedConnection : TrackedRequest;
    const handle = new Kind(this.lifecycle, session, this.clock.now());
    if (session !== undefined) this.lifecycle.deadlines.watch(session);
    return handle as unknown as AnyAdmission;
  }

  /** `before`: when the session would have ended without this. */
  private noteJudged(session: Session, observation: Observation, decision: Decision, before: number): void {
    const { hit, token } = observation;
    const asked = decision !== NOT_ASKED;
    const offer = offerOf(hit);
    const own = token === session.token && hit.stream === session.firstStream;
    if (own && (!session.allowed || session.rare?.asked === undefined || offer === session.rare.offer)) {
      if (asked && !session.allowed) this.lifecycle.allow(session);
      this.keepAsked(session, hit, decision);
      session.rarities.tokenUntil = undefined;
      if (decision.judgements.length > 0) this.lifecycle.judge(session, decision.judgements);
      return;
    }
    const end = (decision.verdict as Approval).expiresAt ?? Infinity;
    if (decision.judgements.length > 0) this.lifecycle.judgeAlso(session, decision.judgements);
    if (asked && session.allowed && end >= before && this.mayRenew(session, observation)) {
      const { rarities } = session;
      const old = judgedKey(session.firstStream, session.token, rarities.offer);
      this.keepJudged(session, old, Math.min(before, rarities.tokenUntil ?? Infinity));
      if (token !== session.token) this.lifecycle.rename(session, observation);
      this.keepAsked(session, hit, decision);
      rarities.tokenUntil = end < rarities.expiresAt ? end : undefined;
      return;
    }
    if (offer !== undefined) this.keepJudged(session, judgedKey(hit.stream, token, offer), end);
    const { rare } = session;
    if (rare !== undefined && rare.expiresAt > before) rare.tokenUntil = Math.min(rare.tokenUntil ?? Infinity, before);
  }

  /** A credential that lasts as long as the one before is what the session goes by from now on. */
  private mayRenew(session: Session, { recipe, token, stream }: Observation): boolean {
    if (stream !== session.firstStream) return false;
    return token === session.token || (recipe.byName && token !== undefined && session.token !== undefined);
  }

  /** What policies are asked with again. */
  private keepAsked({ rarities }: Session, hit: HttpHit, { yeses }: Decision): void {
    if (yeses.length === 0) return;
    rarities.asked = askedWith(hit);
    rarities.offer = offerOf(hit) ?? 'a password';
  }

  private keepJudged(session: Session, key: string, until: number): void {
    const judged = (session.rarities.judged ??= new Map<string, number>());
    judged.set(ownCopy(key), until);
    for (const oldest of judged.keys()) if (judged.size > MAX_JUDGED) judged.delete(oldest);
  }

  private countPending(network: string, change: 1 | -1): void {
    this.pending += change;
    const here = (this.pendingPerNetwork.get(network) ?? 0) + change;
    if (here === 0) this.pendingPerNetwork.delete(network);
    else this.pendingPerNetwork.set(network, here);
  }
}

const isSeenAt = ({ network: first, rare }: Session, network: string): boolean =>
  network === first || (rare?.networks?.includes(network) ?? false);

interface Asking {
  readonly observation: Observation;
  /** The live session it would join. */
  readonly joins: Session | undefined;
  /** A cap is reached: it is let in, if at all, without being tracked. */
  readonly full: boolean;
  readonly candidate: Candidate;
}

/** Who has to go so that another can open. */
export interface Room {
  /** As it was; a refusal, where a policy failed to say who. */
  readonly decision: Decision;
  readonly replaced: readonly Session[];
  readonly released: readonly Session[];
}

const APPROVED: Approval = { allow: true };
const NOT_ASKED: Decision = Object.freeze({ verdict: APPROVED, yeses: [], judgements: [] });

/** Leaving out a field costs several times what copying all does, and few hits have it. */
function withoutBytes(hit: Observation['hit']): Omit<Observation['hit'], 'bytes'> {
  if (hit.bytes === undefined) return hit;
  const { bytes: _bytes, ...facts } = hit;
  return facts;
}

/** Longer ones are not kept: nobody could tell what was cut off. */
const MAX_ASKED_LENGTH = 8192;

function askedWith({ query, url, credentials }: HttpHit): AskedWith {
  const kept = (text: string | undefined): string | undefined =>
    text !== undefined && text.length <= MAX_ASKED_LENGTH ? ownCopy(text) : undefined;
  return { query: kept(query), url: kept(url), credentials };
}

/** Two requests that would be asked the same wait for one answer; undefined: nobody can tell whether they would. */
function openingKey({ kind, hit, household, network, namedBy, name, token }: Observation): string | undefined {
  const offer = offerOf(hit);
  if (household === undefined || offer === undefined) return undefined;
  const parts = [kind, hit.stream, hit.protocol, household, network, nameKey(namedBy, name ?? ''), token ?? '', offer];
  return parts.map(prefixed).join('');
}

/** The answer for one who no longer waits for it. */
function gone(now: number): Refused {
  const facts = { id: '', target: {}, by: 'cap', kind: 'overload', reason: 'client_gone', hits: 0 } as const;
  return { admitted: false, denial: { ...facts, since: now, until: now } };
}
