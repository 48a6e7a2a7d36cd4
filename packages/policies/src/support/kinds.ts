import type { Candidate, SessionKind, Verdict } from '@stream-sessions/core';
import { badOption, SESSION_KINDS } from '@stream-sessions/core/spi';

/** The kinds that a policy for credentials applies to by default: what the server itself pushes has none. */
export const WHO_ASKS: readonly SessionKind[] = ['viewer', 'input', 'unspecified'];

/** An approval with nothing to add. */
export const YES: Verdict = Object.freeze({ allow: true });

/** @throws StreamSessionsError ERR_BAD_OPTION */
export function checkKinds(kinds: readonly SessionKind[]): ReadonlySet<SessionKind> {
  const given: unknown = kinds;
  // applied to nobody, it would admit everyone
  if (!Array.isArray(given) || kinds.length === 0 || !kinds.every((kind) => SESSION_KINDS.includes(kind))) {
    throw badOption('kinds', `a list of one or more of ${SESSION_KINDS.join(', ')}`, kinds);
  }
  return new Set(kinds);
}

/** The kind that this candidate asks for. */
export const kindOf = ({ kind = 'viewer' }: Candidate): SessionKind => kind;
