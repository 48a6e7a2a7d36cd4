import { leftBytes } from '../rules/availability.js';
import type { Pass } from '../types/store.js';
import type { Visit } from './visit.js';

/** Less than this is not halved any more. */
const SMALLEST_LOAN = 65_536;

/**
 * Data is lent: a visit may take half of what is not lent to others before it is looked at again. When next to nothing is
 * left to lend, whoever needs it takes back what the others were lent.
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
  // One byte more, and it is looked at.
  visit.limit = visit.bytes + Math.max(1, share);
}

const loanOf = ({ limit, bytes }: Visit): number => (limit === Infinity ? 0 : Math.max(0, limit - bytes));

/** It is looked at in the next turn of the event loop, and gets what there is then. */
function callBack(visit: Visit): void {
  visit.limit = visit.bytes;
  visit.tracker.review(visit.session.id);
}
