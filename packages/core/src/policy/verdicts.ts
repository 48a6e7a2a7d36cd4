import {
  MAX_CONFLICTS,
  MAX_DETAIL_LENGTH,
  MAX_REASON_LENGTH,
  MAX_REMAINING,
  MAX_USER_LENGTH,
} from '../support/bounds.js';
import { keep } from '../support/strings.js';
import type { Approval, Refusal, Verdict } from '../types/policy.js';

/** Names of what remains. */
const MAX_NAME = 64;

/** The verdict as it may be kept: what a policy says of a client may be the client's words. */
export function kept(verdict: Verdict): Verdict {
  if (verdict.allow) return verdict;
  const { detail, reason, remaining, conflicts, ...rest } = verdict;
  const refusal: Refusal = { ...rest, reason: keep(reason, MAX_REASON_LENGTH) ?? reason };
  const shown = typeof detail === 'string' ? keep(detail, MAX_DETAIL_LENGTH) : undefined;
  if (shown !== undefined) refusal.detail = shown;
  const left = numbersIn(remaining);
  if (left !== undefined) refusal.remaining = left;
  if (Array.isArray(conflicts)) refusal.conflicts = conflicts.slice(0, MAX_CONFLICTS);
  return refusal;
}

/** What makes no sense is left out: a no stays a no. */
function numbersIn(remaining: unknown): Refusal['remaining'] {
  if (typeof remaining !== 'object' || remaining === null) return undefined;
  const numbers = Object.entries(remaining).filter(
    ([name, value]) => name.length <= MAX_NAME && typeof value === 'number' && Number.isFinite(value),
  );
  if (numbers.length === 0) return undefined;
  return Object.freeze(Object.fromEntries(numbers.slice(0, MAX_REMAINING)) as Record<string, number>);
}

/** Only what is a clear yes or no: a yes whose parts make no sense is none. */
export function isVerdict(value: unknown): value is Verdict {
  if (typeof value !== 'object' || value === null) return false;
  const { allow, reason } = value as { allow?: unknown; reason?: unknown };
  if (allow === true) return isApproval(value as Record<keyof Approval, unknown>);
  return allow === false && typeof reason === 'string' && reason !== '';
}

function isApproval({
  userId,
  tags,
  expiresAt,
  issuedAt,
  maxSessions,
  replace,
  release,
  continues,
  pass,
  limits,
}: Record<keyof Approval, unknown>): boolean {
  const isRecord = (part: unknown): boolean => part === undefined || (typeof part === 'object' && part !== null);
  return (
    (userId === undefined || (typeof userId === 'string' && userId.length <= MAX_USER_LENGTH)) &&
    isNumberIfAny(expiresAt) &&
    isNumberIfAny(issuedAt) &&
    isNumberIfAny(maxSessions) &&
    isIdsIfAny(replace) &&
    isIdsIfAny(release) &&
    (continues === undefined || typeof continues === 'string') &&
    (pass === undefined || typeof pass === 'string') &&
    isRecord(tags) &&
    (limits === undefined || isLimits(limits))
  );
}

const isIdsIfAny = (part: unknown): boolean => part === undefined || Array.isArray(part) || typeof part === 'function';

/** A rate of nothing would be a session that waits for ever. */
const isLimits = (part: unknown): boolean =>
  typeof part === 'object' &&
  part !== null &&
  ['downMbits', 'upMbits'].every((name) => {
    const mbits = (part as Record<string, unknown>)[name];
    return mbits === undefined || (typeof mbits === 'number' && mbits > 0);
  });

const isNumberIfAny = (part: unknown): boolean =>
  part === undefined || (typeof part === 'number' && !Number.isNaN(part));
