import type { Denial } from '../types/denial.js';
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
    }),
    by: denial.by,
    kind: denial.kind,
    reason: denial.reason,
    detail: denial.detail,
    hits: denial.hits,
    since: timeOf(denial.since),
    until: timeOf(denial.until),
  });
}

/** A denial for ever has no end to write down. */
const timeOf = (ms: number): string | undefined => (Number.isFinite(ms) ? iso(ms) : undefined);
