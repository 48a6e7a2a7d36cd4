import {
  MAX_CONFLICTS,
  MAX_DETAIL_LENGTH,
  MAX_REASON_LENGTH,
  MAX_REMAINING,
  MAX_USER_LENGTH,
} from '../support/bounds.js';
import { keep } from '../support/strings.js';
import type { Approval, Refusal, Verdict } from '../types/policy.js';

/** The longest name in `remaining`. */
const MAX_NAME = 64;

/** The verdict in a form that may be kept: what a policy says about a client may quote the client. */
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

/** Invalid entries are dropped: the refusal stands. */
function numbersIn(remaining: unknown): Refusal['remaining'] {
  if (typeof remaining !== 'object' || remaining === null) return undefined;
  const numbers = Object.entries(remaining).filter(
    ([name, value]) => name.length <= MAX_NAME && typeof value === 'number' && Number.isFinite(value),
  );
  if (numbers.length === 0) return undefined;
  return Object.freeze(Object.fromEntries(numbers.slice(0, MAX_REMAINING)) as Record<string, number>);
}

/** True only for a clear yes or no: an approval with invalid parts does not count. */
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

/** A limit of zero would make a session wait for ever. */
const isLimits = (part: unknown): boolean =>
  typeof part === 'object' &&
  part !== null &&
  ['downMbits', 'upMbits'].every((name) => {
    const mbits = (part as Record<string, unknown>)[name];
    return mbits === undefined || (typeof mbits === 'number' && mbits > 0);
  });

const isNumberIfAny = (part: unknown): boolean =>
  part === undefined || (typeof part === 'number' && !Number.isNaN(part));
