import type { Candidate, SessionKind, Verdict } from '@stream-sessions/core';
import { badOption, SESSION_KINDS } from '@stream-sessions/core/spi';

/** Whom a policy that reads credentials is about, unless it is told: what the server itself pushes has none. */
export const WHO_ASKS: readonly SessionKind[] = ['viewer', 'input', 'unspecified'];

/** A yes with nothing to add. */
export const YES: Verdict = Object.freeze({ allow: true });

/** @throws StreamSessionsError ERR_BAD_OPTION */
export function checkKinds(kinds: readonly SessionKind[]): ReadonlySet<SessionKind> {
  const given: unknown = kinds;
  // about nobody, it would let everybody through
  if (!Array.isArray(given) || kinds.length === 0 || !kinds.every((kind) => SESSION_KINDS.includes(kind))) {
    throw badOption('kinds', `a list of one or more of ${SESSION_KINDS.join(', ')}`, kinds);
  }
  return new Set(kinds);
}

/** What this candidate wants to be. */
export const kindOf = ({ kind = 'viewer' }: Candidate): SessionKind => kind;
