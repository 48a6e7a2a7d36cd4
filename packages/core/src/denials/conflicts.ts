import type { Registry } from '../registry/registry.js';
import type { Session } from '../session/session.js';
import { MAX_SHOWN_AGENT } from '../support/bounds.js';
import { keep } from '../support/strings.js';
import type { Conflict } from '../types/denial.js';

/**
 * The live sessions that a refusal says are in the way, as far as they are this user's own. Who is nobody to the policies
 * learns of nobody: anybody can call themselves by another's name. Not kept with the denial, for nobody has judged whom that
 * refuses later.
 *
 * @param vouched The user that policies have vouched for while they were asked about this very viewer.
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
