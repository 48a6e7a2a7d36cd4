import type { ModelSession, Viewer } from './reference-model.js';

/** Whom a request belongs to, and whether its name is new to that session. */
export interface Found {
  readonly session: ModelSession | undefined;
  readonly arrives: boolean;
}

const NOBODY: Found = { session: undefined, arrives: false };

/** What a session goes by: the best name it was seen with. */
export const namedBy = ({ token, sids }: Pick<ModelSession, 'token' | 'sids'>): 'token' | 'sid' | 'agent' =>
  token !== undefined ? 'token' : sids.length > 0 ? 'sid' : 'agent';

/**
 * As the architecture notes say how a hit finds its session, among those of its address and stream (`home`).
 *
 * @param aliases False: names have to match.
 */
export function whose(viewer: Viewer, home: readonly ModelSession[], aliases: boolean): Found {
  const { token, sid, userAgent } = viewer;
  const seenWith = (one: ModelSession): boolean =>
    token !== undefined ? false : sid !== undefined ? one.sids.includes(sid) : one.userAgents.includes(userAgent);
  const own = home.find((one) => namedBy(one) === bestOf(viewer) && isNamed(one, viewer));
  const session = own ?? (aliases ? lately(home.filter(seenWith)) : undefined);
  if (session !== undefined) return { session, arrives: false };
  if (!aliases || bestOf(viewer) === 'agent') return NOBODY;
  const mayTake = (one: ModelSession): boolean =>
    (token === undefined || one.token === undefined) &&
    (sid === undefined || one.sids.length === 0 || one.sids.at(-1) === sid);
  // its own weaker name first
  if (token !== undefined && sid !== undefined) {
    const withSid = home.filter((one) => one.sids.includes(sid));
    if (withSid.length > 0) return taken(withSid, 'sid', mayTake);
  }
  return taken(
    home.filter((one) => one.userAgents.includes(userAgent)),
    'agent',
    mayTake,
  );
}

/** Who has no better name takes it; else the only one who may. */
function taken(seen: readonly ModelSession[], kind: 'sid' | 'agent', mayTake: (one: ModelSession) => boolean): Found {
  const able = seen.filter(mayTake);
  const plain = able.filter((one) => namedBy(one) === kind);
  const session = plain.length === 1 ? plain[0] : able.length === 1 ? able[0] : undefined;
  return { session, arrives: session !== undefined };
}

const bestOf = ({ token, sid }: Viewer): 'token' | 'sid' | 'agent' =>
  token !== undefined ? 'token' : sid !== undefined ? 'sid' : 'agent';

function isNamed(one: ModelSession, { token, sid, userAgent }: Viewer): boolean {
  if (token !== undefined) return one.token === token;
  return sid !== undefined ? one.sids[0] === sid : one.userAgent === userAgent;
}

const lately = (some: readonly ModelSession[]): ModelSession | undefined =>
  [...some].sort((a, b) => b.updatedAt - a.updatedAt)[0];
