import type { ResolvedHit } from '../identity/resolved-hit.js';
import type { Session } from '../session/session.js';

/** Whether somebody who asks is watching already. */
interface Watching {
  /** Nothing was seen of it, here or on another node. */
  readonly isNew: boolean;
  /** When it began to watch this stream. Infinity: it does not. -Infinity: whoever watches here is no newcomer, whenever it came. */
  readonly since: number;
  /** It is found by more than what its player calls itself. */
  readonly byName: boolean;
}

/** `joins`: its live session here. */
export function watching(resolved: ResolvedHit, joins: Session | undefined): Watching {
  const { arrives, stream, visit, recipe } = resolved;
  if (joins !== undefined) {
    const watches = !arrives && joins.streams.includes(stream);
    return { isNew: false, since: watches ? -Infinity : Infinity, byName: resolved.answersTo(joins) };
  }
  // Of a visit to many streams nobody says to which.
  if (visit === undefined || visit.found === 'new' || arrives || !recipe.byStream) return NEWCOMER;
  const namedBy = visit.names[0]?.[0] ?? 'fingerprint';
  return { isNew: false, since: visit.openedAt, byName: resolved.answersTo({ namedBy }) };
}

const NEWCOMER: Watching = { isNew: true, since: Infinity, byName: true };
