import type { Denial, DenialKind } from '@stream-sessions/core';

/** SRT_REJECT_REASON, the codes that libsrt sets aside for servers: HTTP's statuses and a thousand. */
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

/** SRT's word for a denial. */
export const rejectCodeOf = ({ kind }: Denial): number => CODES[kind] ?? Reject.forbidden;
