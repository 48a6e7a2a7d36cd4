import { parseUrl } from '../support/parse-url.js';

/** Whether a text is an origin as browsers send it: `https://app.example`, without a path, a default port or upper case. */
export const isOrigin = (text: unknown): boolean => typeof text === 'string' && parseUrl(text)?.origin === text;

/**
 * Whether a page of this origin is one of the server's own host, as the client names it.
 *
 * @param host The `Host` of the request.
 */
export function isOwnOrigin(origin: string, host: string | undefined): boolean {
  const page = parseUrl(origin);
  if (host === undefined || page === undefined) return false;
  // with the page's scheme, whose default port is omitted
  return parseUrl(`${page.protocol}//${host}`)?.host === page.host;
}
