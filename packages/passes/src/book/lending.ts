import { leftBytes } from '../rules/availability.js';
import type { Pass } from '../types/store.js';
import type { Visit } from './visit.js';

/** Amounts smaller than this are not halved further. Bytes. */
const SMALLEST_LOAN = 65_536;

/**
 * Data is lent: a visit may use half of what is not lent to others before it is looked at again. Once almost nothing is left to
 * lend, a visit that needs data takes back what was lent to the others.
 */
export function lend(visit: Visit, visits: ReadonlySet<Visit>, pass: Pass | undefined): void {
  const left = pass === undefined ? Infinity : leftBytes(pass);
  if (left === Infinity) {
    visit.limit = Infinity;
    return;
  }
  const isInNeed = visit.bytes >= visit.limit && visit.bytes > visit.bytesSeen;
  visit.bytesSeen = visit.bytes;
  let free = left;
  for (const other of visits) if (other !== visit) free -= loanOf(other);
  if (free < SMALLEST_LOAN && isInNeed) {
    for (const other of visits) if (other !== visit && loanOf(other) > 0) callBack(other);
    free = left;
  }
  const share = free / 2 < SMALLEST_LOAN ? free : Math.floor(free / 2);
  // One byte more, and the visit is looked at.
  visit.limit = visit.bytes + Math.max(1, share);
}

const loanOf = ({ limit, bytes }: Visit): number => (limit === Infinity ? 0 : Math.max(0, limit - bytes));

/** The visit is looked at in the next turn of the event loop, and gets a share of what is left then. */
function callBack(visit: Visit): void {
  visit.limit = visit.bytes;
  visit.tracker.review(visit.session.id);
}
