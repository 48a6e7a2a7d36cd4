import { TokenInUri } from '../../src/rewrite/token-in-uri.js';

export const HOST = 'media.example:8080';

/** The writer of a viewer whose token has everything in it that somebody has to escape. */
export const TOKEN = `a&b<c>"d'$e%f#g?h/ü`;
export const PAIR = 'tkn=a%26b%3Cc%3E%22d%27%24e%25f%23g%3Fh%2F%C3%BC';

export const tokens = (over: { token?: string; host?: string | undefined; secure?: boolean } = {}): TokenInUri => {
  const { token = TOKEN, secure = false } = over;
  return new TokenInUri('tkn', token, { host: 'host' in over ? over.host : HOST, secure }, ['token', 'tkn']);
};
