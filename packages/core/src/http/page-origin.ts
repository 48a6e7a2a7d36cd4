/** Whether a text is an origin as browsers send it: `https://app.example`, without a path, a default port or upper case. */
export const isOrigin = (text: unknown): boolean =>
  typeof text === 'string' && URL.canParse(text) && new URL(text).origin === text;

/**
 * Whether a page of this origin is one of the server's own host, as the client names it.
 *
 * @param host The `Host` of the request.
 */
export function isOwnOrigin(origin: string, host: string | undefined): boolean {
  if (host === undefined || !URL.canParse(origin)) return false;
  const page = new URL(origin);
  // with the page's scheme, whose default port is omitted
  const own = `${page.protocol}//${host}`;
  return URL.canParse(own) && new URL(own).host === page.host;
}
