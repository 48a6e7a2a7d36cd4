import type { Conflict, Denial } from '../types/denial.js';
import { iso } from './time.js';
import { withoutAbsent } from './without-absent.js';

/** A denial as JSON. A token appears as its fingerprint. */
export function denialToWire({ target, ...denial }: Denial): Record<string, unknown> {
  return withoutAbsent({
    id: denial.id,
    target: withoutAbsent({
      session: target.session,
      user: target.user,
      token_fingerprint: target.token,
      ip: target.ip,
      user_agent: target.userAgent,
      stream_code: target.stream,
      proto: target.protocol,
      issued_before: target.issuedBefore === undefined ? undefined : iso(target.issuedBefore),
    }),
    by: denial.by,
    kind: denial.kind,
    reason: denial.reason,
    detail: denial.detail,
    hits: denial.hits,
    since: timeOf(denial.since),
    until: timeOf(denial.until),
    remaining: denial.remaining,
    conflicts: denial.conflicts?.map(conflictToWire),
  });
}

/** A conflicting session, with the field names of a session row. */
export const conflictToWire = ({ id, protocol, since, country, userAgent }: Conflict): Record<string, unknown> =>
  withoutAbsent({ id, proto: protocol, since: iso(since), country, user_agent: userAgent });

/** A permanent denial has no end to write. */
const timeOf = (ms: number): string | undefined => (Number.isFinite(ms) ? iso(ms) : undefined);
