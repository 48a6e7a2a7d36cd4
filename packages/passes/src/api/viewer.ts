import { cookieValue, type NodeRequest, TOKEN_PARAMETERS } from '@stream-sessions/core/spi';
import { tokenFromQuery } from '@stream-sessions/core';

/** The owner of a viewer's passes: the token, found where the middleware finds it, in the URL before a cookie. */
export function tokenOf(req: NodeRequest, query: string): string | undefined {
  const own = tokenFromQuery(query);
  if (own !== '') return own;
  const { cookie = '' } = req.headers;
  for (const name of TOKEN_PARAMETERS) {
    const value = cookieValue(cookie, name)?.trim();
    if (value) return value;
  }
  return undefined;
}
