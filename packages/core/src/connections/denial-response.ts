import type { Denial, DenialKind } from '../types/denial.js';

const STATUS: Readonly<Record<DenialKind, number>> = { credentials: 401, forbidden: 403, limit: 429, overload: 503 };

/** The status of a denial in HTTP, which RTSP and others share: 401, 403, 429 or 503. */
export const denialStatus = ({ kind }: Denial): number => STATUS[kind] ?? 403;

/** The reason, as one line of plain text that no policy can break out of. */
export const denialText = ({ reason, detail }: Denial): string =>
  // eslint-disable-next-line no-control-regex
  (detail ? `${reason}: ${detail}` : reason).replace(/[\x00-\x1f\x7f]+/g, ' ').slice(0, 200);
