import { TimingWheel } from '../collections/timing-wheel.js';
import { MultiMap } from '../collections/multi-map.js';
import type { KeyedHash } from '../identity/keyed-hash.js';
import type { ResolvedHit } from '../identity/resolved-hit.js';
import { NONE, WHENS, type DenialEntry, type Patterns } from './denial-entry.js';
import type { NetworkOf } from './pattern.js';
import { PatternIndex } from './pattern-index.js';

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
    this.put(entry, isKnown);
  }

  private put(entry: DenialEntry, isKnown = false): void {
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
    // one look-up less than by `replace`: a node that joins takes over 100,000
    for (const known of [same, this.entries.get(entry.denialId)]) if (known !== undefined) this.delete(known);
    this.put(entry);
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
