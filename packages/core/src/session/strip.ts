import type { Session } from './session.js';

/**
 * Strips a session that has ended. Lists still show it, but nobody returns to it: whatever serves only to find, judge and compare
 * it is dropped, and its token is kept only where lists show tokens.
 */
export function strip(session: Session, exposeToken: boolean): void {
  const { hot, rare, group } = session;
  // otherwise it would keep the other members of the group in memory
  if (typeof group === 'object') session.group = group.key;
  if (!exposeToken && session.namedBy === 'token') session.name = undefined;
  if (hot !== undefined) hot.credentials = undefined;
  if (rare === undefined) return;
  rare.names = rare.unseen = rare.decided = rare.ownOffer = rare.asked = undefined;
}
