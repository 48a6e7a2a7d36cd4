import type { PlaybackRequest } from '../connect.js';

/**
 * Why this counts as sent by a browser for a page of another origin; undefined if it does not. Another port is another origin.
 *
 * Browsers send such requests even if the page may not read the response, and under an app-wide `cors()` it may. Only browsers
 * can set `Sec-Fetch-Site`, so it is checked first; over plain HTTP from another machine, there is only `Origin`.
 */
export function foreignPage(req: PlaybackRequest): string | undefined {
  const { origin, 'sec-fetch-site': site } = req.headers;
  if (site !== undefined) {
    return site === 'same-origin' || site === 'none' || isVisit(req) ? undefined : 'a page of another site sent it';
  }
  if (origin === undefined) return undefined;
  const host = hostOf(req);
  return origin === `http://${host}` || origin === `https://${host}` ? undefined : 'its Origin is another site';
}

/** True if the request itself says that a page of this very origin sent it. */
export const isOwnPage = (req: PlaybackRequest): boolean =>
  (req.headers['sec-fetch-site'] ?? req.headers.origin) !== undefined && foreignPage(req) === undefined;

/** Somebody followed a link: the page that contains it does not see the response. */
const isVisit = ({ method, headers }: PlaybackRequest): boolean =>
  method === 'GET' && headers['sec-fetch-mode'] === 'navigate' && headers['sec-fetch-dest'] === 'document';

/** The name by which the client addresses this server. */
export function hostOf(req: PlaybackRequest): string {
  const host = req.headers.host ?? req.headers[':authority'];
  return typeof host === 'string' ? host : '';
}
