import type { PlaybackRequest } from '../connect.js';

/**
 * Why a browser sent this for a page of another origin; undefined when it did not. Another port is another origin.
 *
 * Browsers send along what they may not read, and under an app-wide `cors()` they may read. `Sec-Fetch-Site` is theirs
 * alone, so it is believed first; over plain HTTP from another machine there is only `Origin`.
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

/** True when it says itself that a page of this very origin sent it. */
export const isOwnPage = (req: PlaybackRequest): boolean =>
  (req.headers['sec-fetch-site'] ?? req.headers.origin) !== undefined && foreignPage(req) === undefined;

/** Somebody followed a link: the page on which it stands does not see the answer. */
const isVisit = ({ method, headers }: PlaybackRequest): boolean =>
  method === 'GET' && headers['sec-fetch-mode'] === 'navigate' && headers['sec-fetch-dest'] === 'document';

/** What the client calls this server. */
export function hostOf(req: PlaybackRequest): string {
  const host = req.headers.host ?? req.headers[':authority'];
  return typeof host === 'string' ? host : '';
}
