import type { Credentials } from '../types/hit.js';
import type { FlowRates } from './flow-rates.js';

/**
 * What every hit has to look at, in the sessions that have any of it. Apart from `RareFields`, for policies give those to
 * every viewer: a hit of theirs is spared a look at memory.
 */
export class HotFields {
  // Absent numbers are undefined: a number that is no small integer is an object of its own, and one more look at memory.
  /** What it was let in by besides its token; kept in memory only, to be compared and asked with again. */
  credentials: Credentials | undefined = undefined;
  /** Epoch ms: when the yes to what it is named by ends, where the session goes on longer by another credential. */
  tokenUntil: number | undefined = undefined;
  /** The last HTTP hit of a merged session keeps it open after its last connection has closed. Epoch ms. */
  lastHitAt: number | undefined = undefined;
  /** Set until something was served to it, and called right before everybody sees it. */
  onServed: (() => void) | undefined = undefined;
  /** Undefined: no number of bytes makes a policy look. */
  reviewBytes: number | undefined = undefined;
  /** Of a session with limits. */
  rates: FlowRates | undefined = undefined;
}

/** Nothing is made where there is nothing to say. */
export function setHot<Field extends keyof HotFields>(
  session: { hot: HotFields | undefined },
  field: Field,
  value: HotFields[Field],
): void {
  if (value === undefined && session.hot === undefined) return;
  (session.hot ??= new HotFields())[field] = value;
}
