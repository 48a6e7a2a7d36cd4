import type { IncomingMessage } from 'node:http';
import { badOption } from '@stream-sessions/core/spi';

/**
 * The pages that may connect, by their origin: those of the server's own host (`own`), of all (`any`), or of its own host and of
 * this list, `https://app.example`. Who sends no origin is no browser, and may.
 */
export type Origins = 'own' | 'any' | readonly string[];

/**
 * A browser lets every page open a WebSocket to every host, with that host's cookies: the origin is all that tells them apart.
 *
 * @throws StreamSessionsError ERR_BAD_OPTION
 */
export function originRule(origins: Origins): (request: IncomingMessage) => boolean {
  if (origins === 'any') return () => true;
  const others: readonly unknown[] = origins === 'own' ? [] : origins;
  if (!Array.isArray(others) || !others.every((each) => typeof each === 'string' && isOrigin(each)))
    throw badOption('origins', '"own", "any" or a list such as ["https://app.example"]', origins);
  const allowed = new Set(others as string[]);
  return ({ headers }) => {
    const origin = headers.origin ?? headers['sec-websocket-origin'];
    return origin === undefined || allowed.has(String(origin)) || isOfHost(String(origin), headers.host);
  };
}

const isOrigin = (text: string): boolean => URL.canParse(text) && new URL(text).origin === text;

function isOfHost(origin: string, host: string | undefined): boolean {
  if (host === undefined || !URL.canParse(origin)) return false;
  const page = new URL(origin);
  // with the scheme of the page: its default port is not written
  const own = `${page.protocol}//${host}`;
  return URL.canParse(own) && new URL(own).host === page.host;
}
