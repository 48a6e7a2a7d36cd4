import type { Credentials } from '../types/hit.js';
import type { FlowRates } from './flow-rates.js';

/**
 * The fields that every hit has to check, for sessions that have any. They are separate from `RareFields`, which policies give to
 * every viewer, so that a hit of such a viewer is spared a memory access.
 */
export class HotFields {
  // Absent numbers are undefined: a number that is not a small integer is an object of its own, and costs another memory access.
  /** The credentials it was admitted by besides its token; kept in memory only, for comparing and for asking policies again. */
  credentials: Credentials | undefined = undefined;
  /**
   * Epoch milliseconds: when the approval of what it is named by expires, if the session continues longer by another credential.
   */
  tokenUntil: number | undefined = undefined;
  /** The last HTTP hit of a merged session, which keeps it open after its last connection has closed. Epoch milliseconds. */
  lastHitAt: number | undefined = undefined;
  /** Set until something has been served to the session; called right before it becomes visible. */
  onServed: (() => void) | undefined = undefined;
  /** Undefined: no number of bytes makes a policy review the session. */
  reviewBytes: number | undefined = undefined;
  /** Set for a session with limits. */
  rates: FlowRates | undefined = undefined;
}

/** Allocates nothing if there is nothing to set. */
export function setHot<Field extends keyof HotFields>(
  session: { hot: HotFields | undefined },
  field: Field,
  value: HotFields[Field],
): void {
  if (value === undefined && session.hot === undefined) return;
  (session.hot ??= new HotFields())[field] = value;
}
