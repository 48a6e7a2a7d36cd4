import type { IncomingMessage } from 'node:http';
import { tokenFromQuery, type ConnHit } from '@stream-sessions/core';
import {
  atOnce,
  badOption,
  cookieValue,
  credentialsOf,
  MAX_STREAM_LENGTH,
  MAX_TOKEN_LENGTH,
  TOKEN_PARAMETERS,
} from '@stream-sessions/core/spi';
import type { Settings } from '../options.js';
import { streamOfPath } from './stream-of-path.js';

/**
 * The hit of a client that requests an upgrade. Null: it passes uncounted. Undefined: it requests no stream. Rethrows what a
 * user's function throws.
 */
export function hitOfUpgrade(request: IncomingMessage, settings: Settings): ConnHit | null | undefined {
  const { url = '/', headers } = request;
  const mark = url.indexOf('?');
  const [path, query] = mark < 0 ? [url, ''] : [url.slice(0, mark), url.slice(mark + 1)];
  const stream = settings.stream === undefined ? streamOfPath(path) : atOnce(settings.stream(request), 'stream()');
  if (stream === null) return null;
  if (stream === undefined || stream === '') return undefined;
  if (typeof stream !== 'string') throw badOption('The result of stream', 'a string, undefined or null', stream);
  const hit: ConnHit = {
    stream,
    protocol: settings.protocol,
    remoteAddress: settings.client.address(request),
    secure: settings.client.secure(request),
    userAgent: headers['user-agent'],
    token: tokenOf(query, headers.cookie),
    credentials: credentialsOf(headers.authorization),
    query: query === '' ? undefined : query,
    url,
  };
  const told = settings.hit === undefined ? hit : atOnce(settings.hit(request, hit), 'hit()');
  if (told === null) return null;
  if (typeof told !== 'object') throw badOption('The result of hit', 'a hit, or null', told);
  const tooLong = told.stream.length > MAX_STREAM_LENGTH || (told.token?.length ?? 0) > MAX_TOKEN_LENGTH;
  return tooLong ? undefined : told;
}

/** A token in the URL takes precedence over a cookie, as with HTTP. */
function tokenOf(query: string, cookies: string | undefined): string | undefined {
  const token = tokenFromQuery(query);
  if (token !== '') return token;
  if (cookies === undefined) return undefined;
  for (const name of TOKEN_PARAMETERS) {
    const value = cookieValue(cookies, name)?.trim();
    if (value && value.length <= MAX_TOKEN_LENGTH) return value;
  }
  return undefined;
}
