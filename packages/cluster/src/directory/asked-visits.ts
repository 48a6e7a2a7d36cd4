import type { Clock } from '@stream-sessions/core';
import type { FoundVisit, NameHash, Part } from '@stream-sessions/core/spi';
import type { Place } from '../visits/fields.js';
import type { Happening } from '../visits/happening.js';
import type { Begun } from '../visits/operation.js';
import { TENTATIVE_MS } from '../visits/visit-lua.js';
import { keyOf } from './merge-rows.js';

/** A visit that this node holds because it has asked about it. */
export interface AskedVisit extends Pick<Happening, 'id' | 'openedAt' | 'kind' | 'stream'> {
  readonly place: Place;
  /** All names that Redis knows it by. */
  readonly names: readonly NameHash[];
  readonly allowedUntil: FoundVisit['allowedUntil'];
  /** It began with this node's question. */
  readonly begun: Begun | undefined;
  /** It has to be claimed when a viewer is admitted. */
  readonly isPassedOn: boolean;
}

type Visit = Pick<Part, 'id' | 'openedAt'>;

/** Visits that this node holds because it has asked about them, until a part opens or no viewer is admitted. */
export class AskedVisits {
  private readonly waiting = new Map<string, { readonly visit: AskedVisit; readonly since: number }>();
  private timer: unknown;

  /** @param onLate There has been no answer for so long that nobody will be admitted any more. */
  constructor(
    private readonly clock: Clock,
    private readonly onLate: (visit: AskedVisit) => void,
  ) {}

  /** Merges the answer to another question about the same visit. */
  add(visit: AskedVisit): void {
    const key = keyOf(visit);
    const before = this.waiting.get(key);
    const begun = visit.begun ?? before?.visit.begun;
    this.waiting.set(key, { visit: { ...visit, begun }, since: before?.since ?? this.clock.now() });
    this.timer ??= this.clock.setTimeout(() => this.giveUp(), TENTATIVE_MS);
  }

  has(visit: Visit): boolean {
    return this.waiting.has(keyOf(visit));
  }

  /** The visit is no longer waited for. */
  take(visit: Visit): AskedVisit | undefined {
    const key = keyOf(visit);
    const waiting = this.waiting.get(key);
    if (waiting !== undefined) this.waiting.delete(key);
    return waiting?.visit;
  }

  takeAll(isMeant: (visit: AskedVisit) => boolean = () => true): AskedVisit[] {
    const all = [...this.waiting.values()].map(({ visit }) => visit).filter(isMeant);
    for (const visit of all) this.waiting.delete(keyOf(visit));
    return all;
  }

  stop(): void {
    this.clock.clearTimeout(this.timer);
  }

  private giveUp(): void {
    const now = this.clock.now();
    this.timer = undefined;
    for (const [key, { visit, since }] of this.waiting) {
      // the remaining ones are younger
      if (now - since < TENTATIVE_MS) break;
      this.waiting.delete(key);
      this.onLate(visit);
    }
    if (this.waiting.size > 0) this.timer = this.clock.setTimeout(() => this.giveUp(), TENTATIVE_MS);
  }
}
