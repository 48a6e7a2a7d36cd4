import type { Explanation } from '../types/explanation.js';
import { denialToWire } from './denial.js';
import { isoOrAbsent } from './time.js';
import { withoutAbsent } from './without-absent.js';

/** Why a session or a denial exists, as JSON: its fields, what each policy said, what it is waiting for, what ended it. */
export const explanationToWire = (why: Explanation) =>
  withoutAbsent({
    id: why.id,
    kind: why.kind,
    named_by: why.namedBy,
    recipe: why.recipe,
    matched: why.matched && renamed(why.matched),
    policies: why.policies.map(({ policy, allowed, reason, detail, at, expiresAt }) =>
      withoutAbsent({ policy, allowed, reason, detail, at: isoOrAbsent(at), expires_at: isoOrAbsent(expiresAt) }),
    ),
    waiting_for: why.waitingFor,
    review_at: isoOrAbsent(why.reviewAt),
    idle_at: isoOrAbsent(why.idleAt),
    expires_at: isoOrAbsent(why.expiresAt),
    max_lifetime_at: isoOrAbsent(why.maxLifetimeAt),
    closed_at: isoOrAbsent(why.closedAt),
    close_reason: why.closeReason,
    close_detail: why.closeDetail,
    denial: why.denial && denialToWire(why.denial),
    partial: why.partial,
    missing: why.missing,
  });

/** The field names of a session row; a token appears as its fingerprint. */
const NAMES = { stream: 'stream_code', ip: 'ip', token: 'token', protocol: 'proto', userAgent: 'user_agent' } as const;

const renamed = (matched: NonNullable<Explanation['matched']>): Record<string, string> =>
  Object.fromEntries(Object.entries(matched).map(([field, value]) => [NAMES[field as keyof typeof NAMES], value]));
