import type { IncomingMessage } from 'node:http';
import { badOption, isOrigin, isOwnOrigin } from '@stream-sessions/core/spi';

/**
 * The pages that may connect, by their origin: those of the server's own host (`own`), all (`any`), or those of its own host and
 * of this list, `https://app.example`. A client that sends no origin is not a browser, and may connect.
 */
export type Origins = 'own' | 'any' | readonly string[];

/**
 * Browsers let any page open a WebSocket to any host, with that host's cookies: only the origin tells them apart.
 *
 * @throws StreamSessionsError ERR_BAD_OPTION
 */
export function originRule(origins: Origins): (request: IncomingMessage) => boolean {
  if (origins === 'any') return () => true;
  const others: readonly unknown[] = origins === 'own' ? [] : origins;
  if (!Array.isArray(others) || !others.every(isOrigin))
    throw badOption('origins', '"own", "any" or a list such as ["https://app.example"]', origins);
  const allowed = new Set(others as string[]);
  return ({ headers }) => {
    const origin = headers.origin ?? headers['sec-websocket-origin'];
    return origin === undefined || allowed.has(String(origin)) || isOwnOrigin(String(origin), headers.host);
  };
}
