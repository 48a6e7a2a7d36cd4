import { tokenFromQuery } from '@stream-sessions/core';
import { TOKEN_PARAMETERS } from '@stream-sessions/core/spi';
import { cookieValue } from './cookie-value.js';

/** The viewer token: of the URL, else of a cookie; `token` before `tkn`. What is there twice or empty is not there. */
export function viewerToken(query: string, cookies: string | undefined): string | undefined {
  if (query !== '') {
    const token = tokenFromQuery(query);
    if (token !== '') return token;
  }
  if (cookies === undefined) return undefined;
  for (const name of TOKEN_PARAMETERS) {
    const token = cookieValue(cookies, name);
    if (token !== undefined) return token;
  }
  return undefined;
}
