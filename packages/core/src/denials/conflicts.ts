import type { Registry } from '../registry/registry.js';
import type { Session } from '../session/session.js';
import { MAX_SHOWN_AGENT } from '../support/bounds.js';
import { keep } from '../support/strings.js';
import type { Conflict } from '../types/denial.js';

/**
 * The live sessions that a refusal names as being in the way, limited to this user's own. A viewer whom no policy has vouched for
 * learns nothing: anyone can claim somebody else's name. They are not kept with the denial, since viewers whom it refuses later
 * have not been judged.
 *
 * @param vouched The user that policies vouched for when they were asked about this viewer.
 */
export function conflictsOf(
  ids: readonly string[] | undefined,
  vouched: string | undefined,
  registry: Registry,
): readonly Conflict[] | undefined {
  if (ids === undefined || vouched === undefined) return undefined;
  const rows: Conflict[] = [];
  for (const id of new Set(ids)) {
    const session = registry.get(id);
    if (session?.rare?.vouched === true && session.userId === vouched) rows.push(rowOf(session));
  }
  return rows.length === 0 ? undefined : Object.freeze(rows);
}

function rowOf({ id, protocol, openedAt, country, userAgent }: Session): Conflict {
  const agent = keep(userAgent, MAX_SHOWN_AGENT);
  return Object.freeze({
    id,
    protocol,
    since: openedAt,
    ...(country === undefined ? {} : { country }),
    ...(agent === undefined ? {} : { userAgent: agent }),
  });
}
