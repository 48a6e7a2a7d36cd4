import type { Session } from './session.js';

/**
 * Of a session that has ended, lists show what it was, and nobody comes back to it: what it would be found, asked and compared by
 * is not kept, and its token only where lists show tokens.
 */
export function strip(session: Session, exposeToken: boolean): void {
  const { hot, rare, group } = session;
  // the others who were there would be kept with it
  if (typeof group === 'object') session.group = group.key;
  if (!exposeToken && session.namedBy === 'token') session.name = undefined;
  if (hot !== undefined) hot.credentials = undefined;
  if (rare === undefined) return;
  rare.names = rare.unseen = rare.decided = rare.ownOffer = rare.asked = undefined;
}
