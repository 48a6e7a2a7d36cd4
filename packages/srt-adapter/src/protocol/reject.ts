import type { Denial, DenialKind } from '@stream-sessions/core';

/** SRT_REJECT_REASON: the codes that libsrt reserves for servers, which are HTTP statuses plus 1000. */
export const Reject = {
  badRequest: 1400,
  unauthorized: 1401,
  overload: 1402,
  forbidden: 1403,
  badMode: 1405,
  serverError: 1500,
  closed: 1503,
} as const;

const CODES: Readonly<Record<DenialKind, number>> = {
  credentials: Reject.unauthorized,
  forbidden: Reject.forbidden,
  limit: Reject.overload,
  overload: Reject.overload,
};

/** The SRT reject code for a denial. */
export const rejectCodeOf = ({ kind }: Denial): number => CODES[kind] ?? Reject.forbidden;
