import { CapDenials } from './cap-denials.js';
import { fromRecord, toRecord } from './denial-record.js';
import { DenialFactory } from './denial-factory.js';
import type { DenialEntry } from './denial-entry.js';
import { DenialTable, type OperatorJournal } from './denial-table.js';
import type { ResolvedHit } from '../identity/resolved-hit.js';
import { askedKey, viewerKey, type DenialPattern } from './pattern.js';
import { RefusalCache } from './refusal-cache.js';
import { readTarget, targetKey } from './target.js';
import { deniedEnvelope } from '../wire/event.js';
import { withoutAbsent } from '../wire/without-absent.js';
import type { EventHub } from '../events/event-hub.js';
import { isPassword } from '../identity/offer.js';
import type { Fingerprint } from '../identity/shown-text.js';
import type { Denial, DenialKind, DenialRecord, DenialTarget } from '../types/denial.js';
import type { CloseReason } from '../types/play-session.js';
import type { Policy, Refusal } from '../types/policy.js';
import type { Session } from '../session/session.js';
import type { Clock } from '../support/clock.js';
import type { Totals } from '../registry/totals.js';
import type { Explanation, PolicyDecision } from '../types/explanation.js';
import { ReplacedDenials } from './replaced-denials.js';
import type { Settings } from '../settings/settings.js';
import { watching, type Watching } from './watching.js';

/** The refusal to hand out. */
export interface Refused {
  readonly admitted: false;
  readonly denial: Denial;
}

/** The most ended denials that one sweep removes. */
const EXPIRED_PER_LOOK = 5000;

/** The parts that `Denials` works with. */
export interface DenialsParts {
  readonly settings: Settings;
  readonly hub: EventHub;
  readonly totals: Totals;
  readonly clock: Clock;
  readonly fingerprint: Fingerprint;
}

/**
 * Remembers who is refused. The operator's denials (kick, deny) and the remembered refusals of policies are kept apart: strangers
 * can fill only the latter.
 */
export class Denials {
  readonly operator: DenialTable;
  readonly remembered: DenialTable;
  readonly replaced: ReplacedDenials;
  /** Is told what the operator orders on this node, but not what was made elsewhere. */
  shared: OperatorJournal | undefined = undefined;
  private readonly cache = new RefusalCache();
  private readonly settings: Settings;
  private readonly factory: DenialFactory;
  private readonly caps: CapDenials;

  constructor(private readonly parts: DenialsParts) {
    const { settings, clock } = parts;
    this.settings = settings;
    this.factory = new DenialFactory(settings, clock, parts.fingerprint);
    this.caps = new CapDenials(this.factory, clock);
    const now = clock.now();
    const networkOfIp = (ip: string): string => settings.addresses.network(ip);
    this.operator = new DenialTable(settings.maxDenials, now, networkOfIp, settings.hash);
    this.remembered = new DenialTable(settings.maxDenials, now, networkOfIp, settings.hash);
    this.replaced = new ReplacedDenials(this.remembered, settings, clock);
  }

  get isEmpty(): boolean {
    return this.operator.size === 0 && this.remembered.size === 0;
  }

  /** True when a viewer without a name may be kept out of this network, whichever session it is found as. */
  refusesNamelessAt(network: string): boolean {
    return this.operator.refusesNamelessAt(network);
  }

  /**
   * `joins`: its live session. A kick does not stop viewers who are already watching, here or on another node, unless another
   * stream is requested. `issuedAt`: when the credential that names the viewer was issued; undefined: unknown.
   */
  match(resolved: ResolvedHit, joins?: Session, issuedAt?: number, as?: Watching): Refused | undefined {
    if (this.isEmpty) return undefined;
    const now = this.parts.clock.now();
    const { isNew, since, byName } = as ?? watching(resolved, joins);
    const lately = isNew ? this.cache.find(resolved, now) : undefined;
    if (lately !== undefined) return this.refuse(lately, resolved);
    const entry =
      this.operator.match(resolved, since, byName, now, issuedAt) ??
      this.remembered.match(resolved, since, byName, now, issuedAt);
    if (entry === undefined) return undefined;
    if (isNew && entry.issuedBefore === undefined) this.cache.note(resolved, entry);
    return this.refuse(entry, resolved);
  }

  /** Keeps out a kicked viewer: the architecture notes on kick say whom that covers. */
  denyKicked(session: Session, forMs: number, reason: string | undefined): void {
    if (forMs > 0) this.addOperators(this.factory.ofKick(session, forMs, reason));
  }

  /**
   * `target`: as returned by `readTarget`. If the same target is denied again, the later of the two ends applies: whoever denied
   * it first may rely on it.
   */
  deny(target: DenialTarget, forMs: number, reason: string | undefined): Denial {
    const entry = this.factory.ofTarget(target, forMs, reason);
    const before = this.operator.sameTarget(entry);
    entry.until = Math.max(entry.until, before?.until ?? 0);
    if (entry.until > this.parts.clock.now()) this.addOperators(entry);
    if (before !== undefined) this.tellLifted(before);
    return entry.snapshot();
  }

  /** A policy's refusal, remembered for as long as it says. The default does not lock out a viewer who mistyped a password. */
  refuseByPolicy(
    resolved: ResolvedHit,
    refusal: Refusal,
    policy: Policy | undefined,
    policyDecisions: readonly PolicyDecision[],
    conflicts: Denial['conflicts'],
  ): Refused {
    const wrongPassword = isPassword(resolved.hit.credentials);
    const usualMs = policy?.stage === 'authorise' && !wrongPassword ? this.settings.deniedRetentionMs : 0;
    const asked = askedKey(resolved, this.settings.hash);
    const entry = this.remember(resolved, refusal, usualMs, { asked }, policyDecisions);
    // Told to this viewer alone, and not kept: viewers whom the denial refuses later have not been judged.
    const { remaining } = refusal;
    const tellsMore = remaining !== undefined || conflicts !== undefined;
    return this.refuse(entry, resolved, tellsMore ? withoutAbsent({ remaining, conflicts }) : undefined);
  }

  /** The same for a session that was live until now: no request is refused yet. */
  rememberEnded(
    resolved: ResolvedHit,
    refusal: Refusal,
    policy: Policy | undefined,
    policyDecisions: readonly PolicyDecision[],
  ): void {
    const usualMs = policy?.stage === 'authorise' ? this.settings.deniedRetentionMs : 0;
    this.remember(resolved, refusal, usualMs, { viewer: viewerKey(resolved, this.settings.hash) }, policyDecisions);
  }

  /** Refuses on behalf of a cap, a bound or the end of the tracker. */
  refuseByCap(resolved: ResolvedHit, kind: DenialKind, reason: CloseReason, detail: string): Refused {
    return this.refuse(this.caps.of(resolved, kind, reason, detail), resolved);
  }

  lift(which: string | DenialTarget): boolean {
    if (typeof which !== 'string') {
      const entry = this.operator.getByTarget(targetKey(readTarget(which), this.settings.hash));
      return entry !== undefined && this.end(entry, this.operator);
    }
    const entry = this.operator.get(which);
    if (entry !== undefined) return this.end(entry, this.operator);
    const remembered = this.remembered.get(which);
    return remembered !== undefined && this.end(remembered, this.remembered);
  }

  /** Takes over denials that the operator made elsewhere. @throws StreamSessionsError ERR_BAD_DENIAL */
  take(records: readonly DenialRecord[]): void {
    for (const entry of this.read(records)) this.operator.takeOver(entry);
    this.cache.clear();
  }

  /** Removes a denial that was lifted elsewhere. */
  drop(id: string): boolean {
    const entry = this.operator.get(id);
    if (entry !== undefined) this.operator.delete(entry);
    return entry !== undefined;
  }

  /** Ends the remembered refusals that pass the test and returns how many. Replaced viewers stay out as before. */
  liftRemembered(picks: (denial: Denial) => boolean): number {
    let lifted = 0;
    for (const entry of [...this.remembered.values()]) {
      if (!entry.endsWithSession && entry.until > this.parts.clock.now() && picks(entry.snapshot())) lifted++;
      else continue;
      this.remembered.delete(entry);
    }
    return lifted;
  }

  list(): Denial[] {
    const now = this.parts.clock.now();
    return this.inForce().map((entry) => entry.shown(now));
  }

  export(): DenialRecord[] {
    const lasting = this.inForce().filter((entry) => !entry.endsWithSession);
    return lasting.map((entry) => toRecord(entry, this.settings.hash.keyId));
  }

  /** @throws StreamSessionsError ERR_BAD_DENIAL; nothing is changed then. */
  import(records: readonly DenialRecord[]): number {
    const entries = this.read(records);
    for (const entry of entries) (entry.by === 'policy' ? this.remembered : this.operator).replace(entry);
    this.cache.clear();
    return entries.length;
  }

  /**
   * Restores a denial that an earlier process left; one that has ended meanwhile is recorded as deleted.
   *
   * @throws StreamSessionsError ERR_BAD_DENIAL
   */
  restore(record: DenialRecord): void {
    const entry = fromRecord(record, this.settings.hash.keyId);
    // A denial made since this process began is newer.
    const isSaidAgain = this.operator.sameTarget(entry) !== undefined;
    if (entry.until <= this.parts.clock.now() || isSaidAgain) return this.operator.journal?.deleted(entry);
    this.operator.add(entry, true);
    return this.cache.clear();
  }

  /** What a denial is about, and what the policies said. */
  explain(id: string): Explanation | undefined {
    const entry = this.operator.get(id) ?? this.remembered.get(id);
    if (entry === undefined || entry.until <= this.parts.clock.now()) return undefined;
    return { id, policies: entry.policyDecisions, denial: entry.shown(this.parts.clock.now()) };
  }

  /** The options have changed. */
  resize(): void {
    this.cache.clear();
    this.operator.resize(this.settings.maxDenials);
    this.remembered.resize(this.settings.maxDenials);
  }

  /** What counts as one network has changed. */
  placeAgain(): void {
    this.operator.reindex();
    this.remembered.reindex();
  }

  expire(now: number): void {
    this.operator.expire(now, EXPIRED_PER_LOOK);
    this.remembered.expire(now, EXPIRED_PER_LOOK);
  }

  private inForce(): DenialEntry[] {
    const now = this.parts.clock.now();
    return [...this.operator.values(), ...this.remembered.values()].filter((entry) => entry.until > now);
  }

  private read(records: readonly DenialRecord[]): DenialEntry[] {
    const now = this.parts.clock.now();
    return records.map((record) => fromRecord(record, this.settings.hash.keyId)).filter(({ until }) => until > now);
  }

  /** Takes precedence over the denials that refused the viewer until now. */
  private addOperators(entry: DenialEntry): void {
    this.operator.add(entry);
    this.cache.clear();
    this.shared?.added(entry);
  }

  private tellLifted(entry: DenialEntry): void {
    for (const id of [entry.denialId, ...entry.standsFor]) this.shared?.lifted(id);
  }

  private remember(
    resolved: ResolvedHit,
    refusal: Refusal,
    usualMs: number,
    pattern: DenialPattern,
    policyDecisions: readonly PolicyDecision[],
  ): DenialEntry {
    const { reason, detail, kind = 'forbidden', denyForMs = usualMs } = refusal;
    // A policy may return something that is not a valid time: the refusal holds all the same.
    const forMs = denyForMs > 0 ? denyForMs : 0;
    const facts = { by: 'policy', kind, reason, detail, forMs, patterns: [pattern], policyDecisions } as const;
    const entry = this.factory.ofHit(resolved, facts);
    if (forMs > 0) this.remembered.add(entry);
    return entry;
  }

  private end(entry: DenialEntry, table: DenialTable): boolean {
    const stillHeld = entry.until > this.parts.clock.now();
    table.delete(entry);
    if (table === this.operator) this.tellLifted(entry);
    else if (entry.endsWithSession) this.replaced.shared?.ended(entry);
    return stillHeld;
  }

  private refuse(entry: DenialEntry, resolved: ResolvedHit, told?: Partial<Denial>): Refused {
    const shown = entry.shown(this.parts.clock.now());
    const denial = told === undefined ? shown : Object.freeze({ ...shown, ...told });
    this.parts.totals.denied++;
    this.parts.totals.deniedBy.add(denial.reason);
    if (entry.hits++ === 0 && this.parts.hub.wants('denied')) {
      const { stream, protocol, kind, ip } = resolved;
      const occurredAt = this.parts.clock.now();
      const event = Object.freeze({ seq: this.parts.hub.nextSeq(), occurredAt, denial, stream, protocol, kind, ip });
      this.parts.hub.emit('denied', event, deniedEnvelope);
    }
    return { admitted: false, denial };
  }
}
