import type { Denial, DenialKind } from '@stream-sessions/core';

const STATUS: Readonly<Record<DenialKind, number>> = { credentials: 401, forbidden: 403, limit: 429, overload: 503 };

/** The HTTP status of a denial. */
export const statusOf = ({ kind }: Denial): number => STATUS[kind] ?? 403;

/** Why, in one line of plain text that no policy can break out of. */
export const reasonOf = ({ reason, detail }: Denial): string =>
  // eslint-disable-next-line no-control-regex
  (detail ? `${reason}: ${detail}` : reason).replace(/[\x00-\x1f\x7f]+/g, ' ').slice(0, 200);
