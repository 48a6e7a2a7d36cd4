import type { Recipe } from '../identity/recipe.js';
import type { SessionKind } from '../model/kinds.js';
import { HouseholdTable } from './household.js';
import type { Session } from './session.js';
import { SortedVisits } from './sorted-visits.js';

/** One table of households per kind: kinds never merge. */
export class HouseholdTables {
  private viewer: HouseholdTable | undefined = undefined;
  private others: Partial<Record<SessionKind, HouseholdTable>> | undefined = undefined;

  of({ kind }: Recipe): HouseholdTable | undefined {
    return kind === 'viewer' ? this.viewer : this.others?.[kind];
  }

  make(kind: SessionKind): HouseholdTable {
    if (kind === 'viewer') return (this.viewer ??= new HouseholdTable());
    return ((this.others ??= {})[kind] ??= new HouseholdTable());
  }

  /** The recipe of this kind has changed: who lives here is no longer found by it. */
  forget(kind: SessionKind): void {
    if (kind === 'viewer') this.viewer = undefined;
    else delete this.others?.[kind];
  }
}

/** A stream that somebody watches or publishes now. */
export class StreamEntry extends HouseholdTables {
  readonly visits = new SortedVisits<Session>();
  readonly counts: Record<SessionKind, number> = { viewer: 0, input: 0, output: 0, unspecified: 0 };
  /** Sent to anybody since the stream became live. */
  bytes = 0;
  /** The code as a list, for copies of sessions that have watched nothing else. */
  readonly codes: readonly string[];

  constructor(readonly code: string) {
    super();
    this.codes = Object.freeze([code]);
  }
}
