import type { ResolvedHit } from '../identity/resolved-hit.js';
import type { Session } from '../session/session.js';

/** Whether the viewer who asks is already watching. */
export interface Watching {
  /** It has not been seen, here or on another node. */
  readonly isNew: boolean;
  /** When it began to watch this stream. Infinity: it does not. -Infinity: it watches on this node, so it is never a newcomer. */
  readonly since: number;
  /** It is found by more than its player's own name. */
  readonly byName: boolean;
}

/** It is as good as open: what keeps newcomers out does not concern it. */
export const WATCHES: Watching = { isNew: false, since: -Infinity, byName: true };

/** `joins`: its live session here. */
export function watching(resolved: ResolvedHit, joins: Session | undefined): Watching {
  const { arrives, stream, visit, recipe } = resolved;
  if (joins !== undefined) {
    const watches = !arrives && joins.streams.includes(stream);
    return { isNew: false, since: watches ? -Infinity : Infinity, byName: resolved.answersTo(joins) };
  }
  // For a visit to many streams, it is unknown which stream `openedAt` refers to.
  if (visit === undefined || visit.found === 'new' || arrives || !recipe.byStream) return NEWCOMER;
  const namedBy = visit.names[0]?.[0] ?? 'fingerprint';
  return { isNew: false, since: visit.openedAt, byName: resolved.answersTo({ namedBy }) };
}

const NEWCOMER: Watching = { isNew: true, since: Infinity, byName: true };
