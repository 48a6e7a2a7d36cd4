import { newUuid } from '../support/uuid.js';
import { TimingWheel, WheelNode } from '../collections/timing-wheel.js';
import type { Denial } from '../types/denial.js';
import { MultiMap } from '../collections/multi-map.js';
import type { PolicyDecision } from '../types/explanation.js';
import type { KeyedHash } from '../identity/keyed-hash.js';
import type { ResolvedHit } from '../identity/resolved-hit.js';
import { keptValues, type NetworkOf, type DenialPattern } from './pattern.js';
import { isIssuedBy } from './issued-before.js';
import { PatternIndex } from './pattern-index.js';

/** Whom a denial refuses: anyone who matches any of its patterns. */
export interface Patterns {
  readonly always?: readonly DenialPattern[];
  /** Does not apply to viewers who are already watching. */
  readonly onlyNew?: readonly DenialPattern[];
  /** Applies to neither, except to a viewer without a name who was found by what its player calls itself. */
  readonly unlessNamed?: readonly DenialPattern[];
}

/** How long a replaced viewer is told to wait before retrying. Milliseconds. */
const REPLACED_MS = 10_000;

/** The conditions under which patterns apply. */
export const WHENS = ['always', 'onlyNew', 'unlessNamed'] as const;
export const NONE: readonly DenialPattern[] = [];
const NO_IDS: readonly string[] = [];
const NO_DECISIONS: readonly PolicyDecision[] = [];

/** The patterns as they are stored: see `keptValues`. */
export function keptPatterns(patterns: Patterns, hash: KeyedHash): Patterns {
  const kept: Partial<Record<keyof Patterns, readonly DenialPattern[]>> = {};
  for (const when of WHENS) kept[when] = patterns[when]?.map((values) => keptValues(values, hash)) ?? NONE;
  return kept;
}

/** Where a denial comes from. */
export interface DenialOrigin {
  /** Default: a new one. */
  readonly id?: string;
  /** Lets `liftDenial` find it by the target it was made with. */
  readonly targetKey?: string | undefined;
  /** What the policies said about the first viewer it refused. */
  readonly policyDecisions?: readonly PolicyDecision[];
}

/** A denial and what it is found by. */
export class DenialEntry extends WheelNode {
  hits = 0;
  /** It ends when a session does, not at a given time. */
  endsWithSession = false;
  /** Currently in a table. */
  isHeld = false;
  /** Ids of denials of the same target that were made elsewhere, and that this one stands for: they are lifted together. */
  standsFor: readonly string[] = NO_IDS;
  readonly targetKey: string | undefined;
  readonly policyDecisions: readonly PolicyDecision[];
  readonly denialId: string;
  private readonly facts: Omit<Denial, 'id' | 'hits' | 'until'>;

  constructor(
    facts: Omit<Denial, 'id' | 'hits' | 'until'>,
    public until: number,
    /** As they are stored. */
    readonly patterns: Patterns,
    { id = newUuid(), targetKey, policyDecisions = NO_DECISIONS }: DenialOrigin = {},
  ) {
    super();
    this.denialId = id;
    this.targetKey = targetKey;
    this.policyDecisions = policyDecisions;
    this.facts = { ...facts, target: Object.freeze(facts.target) };
  }

  get by(): Denial['by'] {
    return this.facts.by;
  }

  get since(): number {
    return this.facts.since;
  }

  get target(): Denial['target'] {
    return this.facts.target;
  }

  get detail(): string | undefined {
    return this.facts.detail;
  }

  /** The key of the token that its target names; the target itself has a fingerprint in its place. */
  get token(): string | undefined {
    return this.facts.target.token === undefined ? undefined : this.patterns.always?.[0]?.token;
  }

  /** Refuses only credentials issued to the user up to this time; the same request may bring one issued later. */
  get issuedBefore(): number | undefined {
    return this.facts.target.issuedBefore;
  }

  holdsFor(issuedAt: number | undefined, now: number): boolean {
    const { issuedBefore } = this;
    return this.until > now && (issuedBefore === undefined || isIssuedBy(issuedAt, issuedBefore));
  }

  /** Nobody knows when a session will end, so a viewer who waits for that is told to try again in a while. */
  shown(now: number): Denial {
    return this.endsWithSession ? this.snapshot(now + REPLACED_MS) : this.snapshot();
  }

  /** `until`: the end to show while it is not known yet. */
  snapshot(until = this.until): Denial {
    // Field by field: a spread costs three times as much, and this runs for every refused request.
    const { target, by, kind, reason, detail, since } = this.facts;
    return Object.freeze({ id: this.denialId, target, by, kind, reason, detail, since, until, hits: this.hits });
  }
}

/** Is told about everything that has to outlive the process. */
export interface DenialJournal {
  added(entry: DenialEntry): void;
  deleted(entry: DenialEntry): void;
}

/** Is told about the operator's denials, which apply on other nodes, too. */
export interface OperatorJournal {
  added(entry: DenialEntry): void;
  lifted(id: string): void;
}

/**
 * Finds denials without walking them: each combination of fields in use costs one look-up. Bounded; when it is full, the oldest
 * denial makes room.
 */
export class DenialTable {
  private readonly entries = new Map<string, DenialEntry>();
  private readonly byTarget = new Map<string, DenialEntry>();
  private readonly indexes: Readonly<Record<keyof Patterns, PatternIndex<DenialEntry>>>;
  /** Denials that refuse `unlessNamed`, by the network where they do. */
  private namelessAt = new MultiMap<DenialEntry>();
  private readonly wheel: TimingWheel<DenialEntry>;
  /** Is told about everything that is added or removed. */
  journal: DenialJournal | undefined = undefined;

  constructor(
    private max: number,
    now: number,
    private readonly networkOfIp: NetworkOf,
    hash: KeyedHash,
  ) {
    const index = (): PatternIndex<DenialEntry> => new PatternIndex(networkOfIp, hash);
    this.indexes = { always: index(), onlyNew: index(), unlessNamed: index() };
    this.wheel = new TimingWheel(now, 1024, 1024);
  }

  get size(): number {
    return this.entries.size;
  }

  /** `isKnown`: it comes from the journal itself. */
  add(entry: DenialEntry, isKnown = false): void {
    const same = this.sameTarget(entry);
    if (same !== undefined) this.delete(same);
    if (this.max <= 0) return;
    this.trim(this.max - 1);
    this.entries.set(entry.denialId, entry);
    entry.isHeld = true;
    if (entry.targetKey !== undefined) this.byTarget.set(entry.targetKey, entry);
    this.index(entry);
    this.wheel.place(entry, entry.until);
    if (!isKnown) this.journal?.added(entry);
  }

  /** Adds a denial, replacing one with the same id. */
  replace(entry: DenialEntry): void {
    const known = this.entries.get(entry.denialId);
    if (known !== undefined) this.delete(known);
    this.add(entry);
  }

  /** Adds a denial made elsewhere. Two of the same target were made at once; which one is heard last depends on the node. */
  takeOver(entry: DenialEntry): void {
    const same = this.sameTarget(entry);
    if (same !== undefined && same.denialId !== entry.denialId) {
      entry.until = Math.max(entry.until, same.until);
      entry.standsFor = [...same.standsFor, same.denialId];
    }
    this.replace(entry);
  }

  /** Keeps at most this many from now on. */
  resize(max: number): void {
    this.max = max;
    this.trim(max);
  }

  delete(entry: DenialEntry): void {
    if (!this.entries.delete(entry.denialId)) return;
    entry.isHeld = false;
    if (entry.targetKey !== undefined) this.byTarget.delete(entry.targetKey);
    for (const when of WHENS) {
      for (const values of entry.patterns[when] ?? NONE) this.indexes[when].delete(values, entry);
    }
    for (const network of this.namelessIn(entry)) this.namelessAt.delete(network, entry);
    this.wheel.remove(entry);
    this.journal?.deleted(entry);
  }

  get(id: string): DenialEntry | undefined {
    return this.entries.get(id);
  }

  getByTarget(key: string): DenialEntry | undefined {
    return this.byTarget.get(key);
  }

  /** The denial here with the target that this one was made with. */
  sameTarget({ targetKey }: DenialEntry): DenialEntry | undefined {
    return targetKey === undefined ? undefined : this.byTarget.get(targetKey);
  }

  /** Those that are in force. */
  pick(ids: Iterable<string>, now: number): DenialEntry[] {
    const found = Array.from(ids, (id) => this.entries.get(id));
    return found.filter((entry): entry is DenialEntry => entry !== undefined && entry.until > now);
  }

  idsInForce(now: number): string[] {
    const ids: string[] = [];
    for (const { until, denialId } of this.entries.values()) if (until > now) ids.push(denialId);
    return ids;
  }

  values(): IterableIterator<DenialEntry> {
    return this.entries.values();
  }

  /**
   * The denial that refuses this hit now. `watchesSince`: when the viewer began to watch this stream; Infinity: it does not watch
   * it. `issuedAt`: as the policies said.
   */
  match(
    resolved: ResolvedHit,
    watchesSince: number,
    byName: boolean,
    now: number,
    issuedAt: number | undefined,
  ): DenialEntry | undefined {
    if (this.entries.size === 0) return undefined;
    const holds = (entry: DenialEntry): boolean => entry.holdsFor(issuedAt, now);
    const holdsNew = (entry: DenialEntry): boolean => holds(entry) && entry.since <= watchesSince;
    const { always, onlyNew, unlessNamed } = this.indexes;
    return (
      always.find(resolved, holds) ??
      (watchesSince === -Infinity ? undefined : onlyNew.find(resolved, holdsNew)) ??
      (watchesSince === -Infinity && byName ? undefined : unlessNamed.find(resolved, byName ? holdsNew : holds))
    );
  }

  /**
   * True when a viewer without a name may be refused in this network, even if a live session matches what its player calls
   * itself.
   */
  refusesNamelessAt(network: string): boolean {
    return this.namelessAt.size(network) > 0;
  }

  /** What counts as one network has changed. */
  reindex(): void {
    for (const when of WHENS) this.indexes[when].clear();
    this.namelessAt = new MultiMap();
    for (const entry of this.entries.values()) this.index(entry);
  }

  /** Removes at most `max` denials that have ended; the cost depends only on those. */
  expire(now: number, max: number): void {
    this.wheel.turn(now, max, (entry) => {
      if (entry.until <= now) this.delete(entry);
      else this.wheel.place(entry, entry.until);
    });
  }

  private trim(max: number): void {
    for (const oldest of this.entries.values()) {
      if (this.entries.size <= max) return;
      this.delete(oldest);
    }
  }

  private index(entry: DenialEntry): void {
    for (const when of WHENS) {
      for (const values of entry.patterns[when] ?? NONE) this.indexes[when].add(values, entry);
    }
    for (const network of this.namelessIn(entry)) this.namelessAt.add(network, entry);
  }

  private namelessIn({ patterns }: DenialEntry): string[] {
    return (patterns.unlessNamed ?? NONE).flatMap(({ ip }) => (ip === undefined ? [] : [this.networkOfIp(ip)]));
  }
}
