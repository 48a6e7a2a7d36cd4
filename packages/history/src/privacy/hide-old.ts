import { hideAddresses, hideDenials, selectOldAddresses } from '../sql/privacy.sql.js';
import type { SqlEngine } from '../types/engine.js';
import type { Privacy } from './privacy.js';

/** How rows show a viewer who has no better name. */
const SHORT_ID = 8;

interface Old {
  readonly id: string;
  readonly openedAt: number;
  readonly ip: string | null;
  readonly userName: string;
}

/** Reduces visits that closed before `before` to what `privacy` allows, and turns their ids into keyed hashes. */
export async function hideOld(engine: SqlEngine, privacy: Privacy, before: number): Promise<void> {
  let last: readonly [number, string] = [0, ''];
  for (;;) {
    const rows = await engine.query<Old>(selectOldAddresses, [before, ...last]);
    const end = rows.at(-1);
    if (end === undefined) break;
    last = [end.openedAt, end.id];
    const ids = rows.map(({ id }) => privacy.id(id));
    await engine.query(hideAddresses, [
      privacy.mode,
      rows.map(({ id }) => id),
      rows.map(({ openedAt }) => openedAt),
      ids,
      rows.map(({ ip }) => (ip === null ? null : privacy.ip(ip))),
      rows.map(({ id, userName }, i) => (userName === id.slice(0, SHORT_ID) ? ids[i]?.slice(0, SHORT_ID) : userName)),
    ]);
  }
  await engine.query(hideDenials, [privacy.mode, before]);
}
