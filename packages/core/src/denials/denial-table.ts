import { randomUUID } from 'node:crypto';
import { TimingWheel, WheelNode } from '../deadlines/timing-wheel.js';
import type { Denial } from '../model/denial.js';
import { GroupIndex } from '../registry/group-index.js';
import type { Judgement } from '../tracker/explanation.js';
import { keyOfAsker, keyOfValues, type Asker, type PatternValues, type Shape } from './pattern.js';

/** A denial and what it is found by. */
export class DenialEntry extends WheelNode {
  hits = 0;
  /** It ends when a session does, not at a time. */
  endsWithSession = false;
  /** In a table now. */
  isHeld = false;
  private readonly id = randomUUID();
  private readonly facts: Omit<Denial, 'id' | 'hits' | 'until'>;

  constructor(
    facts: Omit<Denial, 'id' | 'hits' | 'until'>,
    public until: number,
    /** It refuses whoever matches any of them. */
    readonly patterns: readonly PatternValues[],
    /** Patterns that refuse only new sessions, not somebody who is watching already: a kick's. */
    readonly onlyNew: readonly PatternValues[] = [],
    /** Lets `liftDenial` find it by what it was made with. */
    readonly targetKey?: string,
    /** What the policies said of whom it refused first. */
    readonly judgements: readonly Judgement[] = [],
  ) {
    super();
    this.facts = { ...facts, target: Object.freeze(facts.target) };
  }

  get denialId(): string {
    return this.id;
  }

  /** `until`: what is shown as its end, when it is not known yet. */
  snapshot(until = this.until): Denial {
    // Field by field: a spread costs three times as much, and this is done for every request that is refused.
    const { target, by, kind, reason, detail, since } = this.facts;
    return Object.freeze({ id: this.id, target, by, kind, reason, detail, since, until, hits: this.hits });
  }
}

/**
 * Denials, found without walking them: every combination of fields in use is one look-up. Bounded; when it is full the
 * oldest makes room.
 */
export class DenialTable {
  private readonly entries = new Map<string, DenialEntry>();
  private readonly byTarget = new Map<string, DenialEntry>();
  private readonly byPattern = new GroupIndex<DenialEntry>();
  private readonly shapes = new Map<string, Shape>();
  private readonly onlyNewShapes = new Map<string, Shape>();
  private readonly wheel: TimingWheel<DenialEntry>;

  constructor(
    private max: number,
    now: number,
  ) {
    this.wheel = new TimingWheel(now, 1024, 1024);
  }

  get size(): number {
    return this.entries.size;
  }

  add(entry: DenialEntry): void {
    const same = entry.targetKey === undefined ? undefined : this.byTarget.get(entry.targetKey);
    if (same !== undefined) this.delete(same);
    if (this.max <= 0) return;
    this.trim(this.max - 1);
    this.entries.set(entry.denialId, entry);
    entry.isHeld = true;
    if (entry.targetKey !== undefined) this.byTarget.set(entry.targetKey, entry);
    for (const values of entry.patterns) this.index(this.shapes, values, entry, '');
    for (const values of entry.onlyNew) this.index(this.onlyNewShapes, values, entry, 'new:');
    this.wheel.place(entry, entry.until);
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
    for (const values of entry.patterns) this.unindex(this.shapes, values, entry, '');
    for (const values of entry.onlyNew) this.unindex(this.onlyNewShapes, values, entry, 'new:');
    this.wheel.remove(entry);
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

  /** The denial that refuses this asker now. `known`: it is watching this stream already. */
  match(asker: Asker, known: boolean, now: number): DenialEntry | undefined {
    if (this.entries.size === 0) return undefined;
    const found = this.matchIn(this.shapes, asker, '', now);
    return found ?? (known ? undefined : this.matchIn(this.onlyNewShapes, asker, 'new:', now));
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

  private matchIn(shapes: Map<string, Shape>, asker: Asker, space: string, now: number): DenialEntry | undefined {
    for (const shape of shapes.values()) {
      const key = keyOfAsker(shape, asker);
      const found = key === undefined ? undefined : this.byPattern.find(space + key, (entry) => entry.until > now);
      if (found !== undefined) return found;
    }
    return undefined;
  }

  private index(shapes: Map<string, Shape>, values: PatternValues, entry: DenialEntry, space: string): void {
    const { shapeId, fields, key } = keyOfValues(values);
    this.byPattern.add(space + key, entry);
    const shape = shapes.get(shapeId);
    if (shape !== undefined) shape.uses++;
    else shapes.set(shapeId, { id: shapeId, fields, prefixLength: values.block?.prefixLength ?? 0, uses: 1 });
  }

  private unindex(shapes: Map<string, Shape>, values: PatternValues, entry: DenialEntry, space: string): void {
    const { shapeId, key } = keyOfValues(values);
    this.byPattern.delete(space + key, entry);
    const shape = shapes.get(shapeId);
    if (shape !== undefined && --shape.uses === 0) shapes.delete(shapeId);
  }
}
