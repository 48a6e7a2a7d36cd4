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

/** Whom a denial refuses: whoever matches any of its patterns. */
export interface Patterns {
  readonly always?: readonly DenialPattern[];
  /** Not somebody who is watching already. */
  readonly onlyNew?: readonly DenialPattern[];
  /** Neither, unless it has no name and was found by what its player calls itself. */
  readonly unlessNamed?: readonly DenialPattern[];
}

/** What a replaced viewer is told to wait before it tries again. */
const REPLACED_MS = 10_000;

/** Which of its patterns hold when. */
export const WHENS = ['always', 'onlyNew', 'unlessNamed'] as const;
const NONE: readonly DenialPattern[] = [];

/** As they are kept: see `keptValues`. */
export function keptPatterns(patterns: Patterns, hash: KeyedHash): Patterns {
  const kept: Partial<Record<keyof Patterns, readonly DenialPattern[]>> = {};
  for (const when of WHENS) kept[when] = patterns[when]?.map((values) => keptValues(values, hash)) ?? NONE;
  return kept;
}

/** Where a denial comes from. */
export interface DenialOrigin {
  /** Default: a new one. */
  readonly id?: string;
  /** Lets `liftDenial` find it by what it was made with. */
  readonly targetKey?: string | undefined;
  /** What the policies said of whom it refused first. */
  readonly policyDecisions?: readonly PolicyDecision[];
}

/** A denial and what it is found by. */
export class DenialEntry extends WheelNode {
  hits = 0;
  /** It ends when a session does, not at a time. */
  endsWithSession = false;
  /** In a table now. */
  isHeld = false;
  readonly targetKey: string | undefined;
  readonly policyDecisions: readonly PolicyDecision[];
  readonly denialId: string;
  private readonly facts: Omit<Denial, 'id' | 'hits' | 'until'>;

  constructor(
    facts: Omit<Denial, 'id' | 'hits' | 'until'>,
    public until: number,
    /** As they are kept. */
    readonly patterns: Patterns,
    { id = newUuid(), targetKey, policyDecisions = [] }: DenialOrigin = {},
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

  /** It refuses only what was issued to the user by then; the same request may bring what was issued later. */
  get issuedBefore(): number | undefined {
    return this.facts.target.issuedBefore;
  }

  holdsFor(issuedAt: number | undefined, now: number): boolean {
    const { issuedBefore } = this;
    return this.until > now && (issuedBefore === undefined || isIssuedBy(issuedAt, issuedBefore));
  }

  /** Nobody knows when a session will end: who waits for that is told to try again in a while. */
  shown(now: number): Denial {
    return this.endsWithSession ? this.snapshot(now + REPLACED_MS) : this.snapshot();
  }

  /** `until`: what is shown as its end, when it is not known yet. */
  snapshot(until = this.until): Denial {
    // Field by field: a spread costs three times as much, and this is done for every request that is refused.
    const { target, by, kind, reason, detail, since } = this.facts;
    return Object.freeze({ id: this.denialId, target, by, kind, reason, detail, since, until, hits: this.hits });
  }
}

/** Hears of what has to outlive the process. */
export interface DenialJournal {
  added(entry: DenialEntry): void;
  deleted(entry: DenialEntry): void;
}

/**
 * Denials, found without walking them: every combination of fields in use is one look-up. Bounded; when it is full the
 * oldest makes room.
 */
export class DenialTable {
  private readonly entries = new Map<string, DenialEntry>();
  private readonly byTarget = new Map<string, DenialEntry>();
  private readonly indexes: Readonly<Record<keyof Patterns, PatternIndex<DenialEntry>>>;
  /** Those that refuse `unlessNamed`, by where they do. */
  private namelessAt = new MultiMap<DenialEntry>();
  private readonly wheel: TimingWheel<DenialEntry>;
  /** Hears of what is added, and of what is there no longer. */
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

  /** `isKnown`: it comes from where the journal writes to. */
  add(entry: DenialEntry, isKnown = false): void {
    const same = entry.targetKey === undefined ? undefined : this.byTarget.get(entry.targetKey);
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

  /** The same, instead of one with its id that is there. */
  replace(entry: DenialEntry): void {
    const known = this.entries.get(entry.denialId);
    if (known !== undefined) this.delete(known);
    this.add(entry);
  }

  /** Keeps at most so many from now on. */
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

  values(): IterableIterator<DenialEntry> {
    return this.entries.values();
  }

  /**
   * The denial that refuses this hit now. `watchesSince`: when it began to watch this stream; Infinity: it does not. `issuedAt`: as the
   * policies said.
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

  /** True when somebody without a name may be refused there though a live session answers to what its player says. */
  refusesNamelessAt(network: string): boolean {
    return this.namelessAt.size(network) > 0;
  }

  /** What counts as one place has changed. */
  reindex(): void {
    for (const when of WHENS) this.indexes[when].clear();
    this.namelessAt = new MultiMap();
    for (const entry of this.entries.values()) this.index(entry);
  }

  /** Forgets what has ended, at most so many at once; costs what has ended. */
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
