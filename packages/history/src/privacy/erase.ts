import { randomBytes } from 'node:crypto';
import { countLive, eraseDenials, eraseViewers, eraseVisits, viewersOfUser } from '../sql/privacy.sql.js';
import type { SqlEngine } from '../types/engine.js';
import type { Erased } from '../types/history.js';

/**
 * Anonymises the visits of a user, and deletes the user's denials. Live visits are left alone, because they would be written
 * again.
 */
export function erase(engine: SqlEngine, user: string): Promise<Erased> {
  return engine.transaction(async (query) => {
    const viewers = (await query<{ viewer: string }>(viewersOfUser, [user])).map(({ viewer }) => viewer);
    const others = viewers.map(() => randomBytes(8).readBigInt64BE().toString());
    const [visits] = await query<{ erased: number }>(eraseVisits, [user, viewers, others]);
    await query(eraseViewers, [viewers, others]);
    const [denials] = await query<{ erased: number }>(eraseDenials, [user]);
    const [live] = await query<{ live: number }>(countLive, [user]);
    return { visits: visits?.erased ?? 0, denials: denials?.erased ?? 0, live: live?.live ?? 0 };
  });
}
