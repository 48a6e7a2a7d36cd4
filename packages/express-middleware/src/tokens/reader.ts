import {
  cookieValue,
  hideSecrets,
  MAX_TOKEN_LENGTH,
  queryTokenReader,
  TOKEN_PARAMETERS,
} from '@stream-sessions/core/spi';
import { tokenSettings, type TokenSettings } from './options.js';

/** Finds the viewer token of a request. A parameter or cookie that is empty, too long or has two values counts as absent. */
export interface TokenReader {
  /** From the URL, otherwise from a cookie. */
  read(query: string, cookies: string | undefined): string | undefined;
  fromUrl(query: string): string | undefined;
  /** The parameters it reads that core does not know as token parameters. */
  readonly secretParameters: readonly string[] | undefined;
  /** A client's text for display, without secrets. */
  readonly hide: (text: string, token: string | undefined) => string;
}

export function tokenReader({ parameters, cookies: names, readUrl, readCookie }: TokenSettings): TokenReader {
  const fromQuery = queryTokenReader(parameters);
  const own = parameters.filter((name) => !TOKEN_PARAMETERS.includes(name.toLowerCase()));
  const secretParameters = own.length === 0 ? undefined : own;

  const fromUrl = (query: string): string | undefined => {
    if (!readUrl || query === '') return undefined;
    const token = fromQuery(query);
    return token !== '' && token.length <= MAX_TOKEN_LENGTH ? token : undefined;
  };

  const fromCookies = (cookies: string): string | undefined => {
    for (const name of names) {
      const token = cookieValue(cookies, name)?.trim();
      if (token && token.length <= MAX_TOKEN_LENGTH) return token;
    }
    return undefined;
  };

  return {
    fromUrl,
    secretParameters,
    hide: (text, token) => hideSecrets(text, { parameters: secretParameters, values: [token] }),
    read: (query, cookies) =>
      fromUrl(query) ?? (readCookie && cookies !== undefined ? fromCookies(cookies) : undefined),
  };
}

/** For an app without options: `token` and `tkn`, URL before cookie. */
export const ownTokens = tokenReader(tokenSettings());
