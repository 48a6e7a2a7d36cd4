import { DenialEntry, DenialTable } from '../denials/denial-table.js';
import { askedKey, viewerKey, type Asker, type PatternValues } from '../denials/pattern.js';
import { RefusalMemo } from '../denials/refusal-memo.js';
import { readTarget, targetKey } from '../denials/target.js';
import { deniedEnvelope } from '../events/envelope.js';
import type { EventHub } from '../events/event-hub.js';
import { networkOf, parseBlock } from '../identity/address.js';
import type { Denial, DenialKind, DenialTarget } from '../model/denial.js';
import type { HttpHit } from '../model/hit.js';
import type { CloseReason } from '../model/play-session.js';
import type { Policy, Refusal } from '../policy/policy.js';
import type { Session } from '../registry/session.js';
import type { Clock } from '../support/clock.js';
import type { Counters } from './counters.js';
import type { Explanation, Judgement } from './explanation.js';
import { MAX_STREAM_LENGTH } from '../identity/stream-code.js';
import { badOption } from '../support/options.js';
import { keep, ownCopy } from '../support/strings.js';
import type { Settings } from './settings.js';

/** What refused somebody: the admission to hand out. */
export interface Refused {
  readonly admitted: false;
  readonly denial: Denial;
}

/** A cap's refusal is one denial for this long, so that a flood makes one event a second. */
const CAP_DENIAL_MS = 1000;
const MAX_CAP_DENIALS = 64;
/** What a replaced viewer is told to wait before it tries again. */
const REPLACED_MS = 10_000;
/** So many devices stay out for one session at the most; the first of them may come back. */
const MAX_REPLACED = 64;
/** How many ended denials one look forgets at the most. */
const EXPIRED_PER_LOOK = 5000;

/**
 * Remembers who is refused. The operator's denials (kick, deny) and remembered refusals of policies live apart:
 * strangers can fill only the second table.
 */
export class DenialDesk {
  readonly operator: DenialTable;
  readonly remembered: DenialTable;
  private readonly memo = new RefusalMemo();
  private readonly capDenials = new Map<string, DenialEntry>();
  /** Denials of who was replaced, by the live session that replaced them. */
  private readonly heldBy = new Map<Session, readonly DenialEntry[]>();

  constructor(
    private readonly settings: Settings,
    private readonly hub: EventHub,
    private readonly counters: Counters,
    private readonly clock: Clock,
    private readonly fingerprint: (token: string) => string,
  ) {
    const now = clock.now();
    this.operator = new DenialTable(settings.maxDenials, now);
    this.remembered = new DenialTable(settings.maxDenials, now);
  }

  get isEmpty(): boolean {
    return this.operator.size === 0 && this.remembered.size === 0;
  }

  /** `joins`: its live session. A kick does not stop who is watching already, unless another stream is asked for. */
  match(asker: Asker, joins: Session | undefined): Refused | undefined {
    if (this.isEmpty) return undefined;
    const now = this.clock.now();
    const lately = joins === undefined ? this.memo.find(asker, now) : undefined;
    if (lately !== undefined) return this.refuse(lately, asker);
    const known = (!asker.arrives && joins?.streams.includes(asker.stream)) ?? false;
    const entry = this.operator.match(asker, known, now) ?? this.remembered.match(asker, known, now);
    if (entry === undefined) return undefined;
    if (joins === undefined) this.memo.note(asker, entry);
    return this.refuse(entry, asker);
  }

  /** Keeps out who was kicked: see the architecture notes on kick for whom that means. */
  denyKicked(session: Session, forMs: number, reason: string | undefined): void {
    if (forMs === 0) return;
    const { kind, stream, token, rare } = session;
    const target: DenialTarget = { session: session.id, stream };
    const same: PatternValues[] = [];
    const alike: PatternValues[] = [];
    for (const code of session.streams) {
      if (rare?.vouched && rare.userId !== undefined) {
        target.user = rare.userId;
        same.push({ kind, stream: code, user: rare.userId });
        // The credential that named this user: refused before any policy is asked.
        if (token !== undefined) same.push({ kind, stream: code, token });
        continue;
      }
      target.ip = session.ip;
      if (session.userAgent !== undefined) target.userAgent = session.userAgent;
      for (const network of networksOf(session)) {
        const identity = this.identityOf(session, code, network);
        if (identity !== undefined) same.push(identity);
        alike.push({ kind, stream: code, network, userAgent: session.userAgent ?? '' });
      }
    }
    const facts = { by: 'kick' as const, kind: 'forbidden' as const, reason: 'kicked', detail: reason };
    const now = this.clock.now();
    this.addOperators(new DenialEntry({ target, ...facts, since: now }, endOf(now, forMs), [], [...same, ...alike]));
  }

  /** Keeps out who was replaced, as it was: see `whileLives` for how long. */
  denyReplaced(session: Session): DenialEntry {
    const { kind, token: exactToken = '', userAgent = '', stream } = session;
    const alike = networksOf(session).flatMap((network) =>
      session.protocols.map((protocol) => ({ kind, stream, protocol, network, userAgent, exactToken })),
    );
    const target: DenialTarget = { session: session.id, stream, ip: session.ip };
    if (session.userAgent !== undefined) target.userAgent = session.userAgent;
    if (session.fingerprint !== undefined) target.token = session.fingerprint;
    if (session.userId !== undefined) target.user = session.userId;
    const detail = 'another session of this viewer has taken its place';
    const facts = { target, by: 'policy' as const, kind: 'limit' as const, reason: 'replaced', detail };
    const now = this.clock.now();
    const entry = new DenialEntry({ ...facts, since: now }, endOf(now, Infinity), [], alike);
    entry.endsWithSession = true;
    this.remembered.add(entry);
    return entry;
  }

  /** These denials end with this session. */
  whileLives(session: Session, denials: readonly DenialEntry[]): void {
    if (denials.length === 0) return;
    const all = [...(this.heldBy.get(session) ?? []), ...denials];
    for (const entry of all.splice(0, all.length - MAX_REPLACED)) this.remembered.delete(entry);
    this.heldBy.set(session, all);
    if (session.isClosed) this.sessionEnded(session);
  }

  /** The denials that would end with this session: somebody else holds them from now on. */
  inherit(session: Session): readonly DenialEntry[] {
    const denials = this.heldBy.get(session) ?? [];
    this.heldBy.delete(session);
    return denials;
  }

  /** A session is no longer live. */
  sessionEnded(session: Session): void {
    if (this.heldBy.size === 0) return;
    for (const entry of this.inherit(session)) this.remembered.delete(entry);
  }

  /** @throws StreamSessionsError ERR_BAD_DENIAL */
  deny(rawTarget: DenialTarget, forMs: number, reason: string | undefined): Denial {
    const target = readTarget(rawTarget);
    const { ip, ...rest } = target;
    const values: PatternValues = { ...rest };
    const block = ip === undefined ? undefined : parseBlock(ip);
    if (block?.prefixLength !== undefined) {
      values.block = { network: networkOf(block.address, block.prefixLength), prefixLength: block.prefixLength };
    } else if (block !== undefined) values.network = this.settings.addresses.network(block.address);
    const shown = target.token === undefined ? target : { ...target, token: this.fingerprint(target.token) };
    const now = this.clock.now();
    const facts = { target: shown, by: 'deny' as const, kind: 'forbidden' as const, reason: 'denied', detail: reason };
    const entry = new DenialEntry({ ...facts, since: now }, endOf(now, forMs), [values], [], targetKey(target));
    this.addOperators(entry);
    return entry.snapshot();
  }

  /** A policy's no, remembered as long as it says. A default does not lock out a password that was typed wrongly. */
  refuseByPolicy(
    asker: Asker & { hit: HttpHit },
    refusal: Refusal,
    policy: Policy | undefined,
    judgements: readonly Judgement[],
  ): Refused {
    const { credentials } = asker.hit;
    const wrongPassword = credentials !== undefined && credentials.scheme !== 'bearer';
    const usualMs = policy?.stage === 'authorise' && !wrongPassword ? this.settings.deniedRetentionMs : 0;
    return this.refuse(this.remember(asker, refusal, usualMs, { asked: askedKey(asker) }, judgements), asker);
  }

  /** The same of a session that was live until now: nobody is refused yet. */
  rememberEnded(asker: Asker, refusal: Refusal, policy: Policy | undefined, judgements: readonly Judgement[]): void {
    const usualMs = policy?.stage === 'authorise' ? this.settings.deniedRetentionMs : 0;
    this.remember(asker, refusal, usualMs, { viewer: viewerKey(asker) }, judgements);
  }

  /** What a cap, a bound or the end of the tracker keeps out. */
  refuseByCap(asker: Asker, kind: DenialKind, reason: CloseReason, detail: string): Refused {
    const now = this.clock.now();
    let entry = this.capDenials.get(detail);
    if (entry === undefined || entry.until <= now) {
      if (this.capDenials.size >= MAX_CAP_DENIALS) this.capDenials.clear();
      entry = this.entryFor(asker, 'cap', kind, reason, detail, CAP_DENIAL_MS, []);
      this.capDenials.set(detail, entry);
    }
    return this.refuse(entry, asker);
  }

  lift(which: string | DenialTarget): boolean {
    if (typeof which !== 'string') {
      const entry = this.operator.getByTarget(targetKey(readTarget(which)));
      return entry !== undefined && this.end(entry, this.operator);
    }
    for (const table of [this.operator, this.remembered]) {
      const entry = table.get(which);
      if (entry !== undefined) return this.end(entry, table);
    }
    return false;
  }

  /** Ends the remembered refusals that this test picks; how many. Who was replaced stays out as long as before. */
  liftRemembered(picks: (denial: Denial) => boolean): number {
    let lifted = 0;
    for (const entry of [...this.remembered.values()]) {
      if (!entry.endsWithSession && entry.until > this.clock.now() && picks(entry.snapshot())) lifted++;
      else continue;
      this.remembered.delete(entry);
    }
    return lifted;
  }

  list(): Denial[] {
    const now = this.clock.now();
    const entries = [...this.operator.values(), ...this.remembered.values()];
    return entries.filter((entry) => entry.until > now).map((entry) => this.shown(entry));
  }

  /** What a denial is about, and what the policies said. */
  explain(id: string): Explanation | undefined {
    const entry = this.operator.get(id) ?? this.remembered.get(id);
    if (entry === undefined || entry.until <= this.clock.now()) return undefined;
    return { id, policies: entry.judgements, denial: this.shown(entry) };
  }

  /** The options have changed. */
  resize(): void {
    this.memo.clear();
    this.operator.resize(this.settings.maxDenials);
    this.remembered.resize(this.settings.maxDenials);
  }

  expire(now: number): void {
    this.operator.expire(now, EXPIRED_PER_LOOK);
    this.remembered.expire(now, EXPIRED_PER_LOOK);
  }

  /** Goes before what refused somebody until now. */
  private addOperators(entry: DenialEntry): void {
    this.operator.add(entry);
    this.memo.clear();
  }

  private remember(
    asker: Asker,
    refusal: Refusal,
    usualMs: number,
    pattern: PatternValues,
    judgements: readonly Judgement[],
  ): DenialEntry {
    const { reason, detail, kind = 'forbidden', denyForMs = usualMs } = refusal;
    // What a policy says is not trusted to be a time: a refusal with a strange one is a refusal all the same.
    const forMs = denyForMs > 0 ? denyForMs : 0;
    const entry = this.entryFor(asker, 'policy', kind, reason, detail, forMs, [pattern], judgements);
    if (forMs > 0) this.remembered.add(entry);
    return entry;
  }

  /** Nobody knows when a session will end: who waits for that is told to try again in a while. */
  private shown(entry: DenialEntry): Denial {
    return entry.endsWithSession ? entry.snapshot(this.clock.now() + REPLACED_MS) : entry.snapshot();
  }

  private end(entry: DenialEntry, table: DenialTable): boolean {
    const stillHeld = entry.until > this.clock.now();
    table.delete(entry);
    return stillHeld;
  }

  /** The same viewer by the viewer recipe, on every protocol; undefined where the recipe can only mean itself. */
  private identityOf(session: Session, stream: string, network: string): PatternValues | undefined {
    const { fields, byName } = this.settings.recipes.viewer;
    const values: PatternValues = { kind: session.kind, stream };
    if (fields.includes('ip')) values.network = network;
    if (fields.includes('userAgent')) values.userAgent = session.userAgent ?? '';
    if (!byName) return values;
    if (session.token !== undefined) values.token = session.token;
    else if (session.sid !== undefined) values.sid = session.sid;
    else if (session.playerSessionId !== undefined) values.playerSessionId = session.playerSessionId;
    // Named by its User-Agent only, the address covers it; where that does not count, its id, which is derived.
    else if (session.home !== undefined && values.network === undefined) return { ...values, session: session.id };
    else return undefined;
    return values;
  }

  private entryFor(
    asker: Asker,
    by: 'policy' | 'cap',
    kind: DenialKind,
    reason: string,
    detail: string | undefined,
    forMs: number,
    patterns: readonly PatternValues[],
    judgements: readonly Judgement[] = [],
  ): DenialEntry {
    // Copies, and no longer than a stream may be: what is kept must not hold the request it came from.
    const target: DenialTarget = { stream: keep(asker.stream, MAX_STREAM_LENGTH) ?? '', ip: ownCopy(asker.ip) };
    if (asker.user !== undefined) target.user = asker.user;
    if (asker.token !== undefined && by === 'policy') target.token = this.fingerprint(asker.token);
    const now = this.clock.now();
    const facts = { target, by, kind, reason, detail, since: now };
    return new DenialEntry(facts, endOf(now, forMs), patterns, [], undefined, judgements);
  }

  private refuse(entry: DenialEntry, asker: Asker): Refused {
    this.counters.denied++;
    const denial = this.shown(entry);
    if (entry.hits++ === 0 && this.hub.wants('denied')) {
      const { stream, protocol, kind, ip } = asker;
      const occurredAt = this.clock.now();
      const event = Object.freeze({ seq: this.hub.nextSeq(), occurredAt, denial, stream, protocol, kind, ip });
      this.hub.emit('denied', event, deniedEnvelope);
    }
    return { admitted: false, denial };
  }
}

/** Wherever it was seen: it may come back from each of them. */
const networksOf = ({ rare, network }: Session): readonly string[] => rare?.networks ?? [network];

/** When a denial ends that is made now. "For ever" is the last moment that a Date can show. */
const endOf = (now: number, forMs: number): number => Math.min(now + forMs, 8.64e15);

/** @throws StreamSessionsError ERR_BAD_OPTION */
export function checkDuration(name: string, ms: number): void {
  if (!(typeof ms === 'number' && ms >= 0)) throw badOption(name, 'milliseconds from 0 on', ms);
}
