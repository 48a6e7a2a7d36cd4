import type { Recipe } from '../identity/recipe.js';
import type { SessionKind } from '../model/kinds.js';
import { HouseholdTable } from './household.js';
import type { Session } from './session.js';
import { SortedVisits } from './sorted-visits.js';

/** One table of households per kind: kinds never merge. */
export class HouseholdTables {
  private readonly tables: Partial<Record<SessionKind, HouseholdTable>> = {};

  of(recipe: Recipe): HouseholdTable | undefined {
    return this.tables[recipe.kind];
  }

  make(kind: SessionKind): HouseholdTable {
    return (this.tables[kind] ??= new HouseholdTable());
  }

  /** The recipe of this kind has changed: who lives here is no longer found by it. */
  forget(kind: SessionKind): void {
    delete this.tables[kind];
  }
}

/** A stream that somebody watches or publishes now. */
export class StreamEntry {
  readonly visits = new SortedVisits<Session>();
  readonly households = new HouseholdTables();
  readonly counts: Record<SessionKind, number> = { viewer: 0, input: 0, output: 0, unspecified: 0 };
  /** Sent to anybody since the stream became live. */
  bytes = 0;

  constructor(readonly code: string) {}
}
