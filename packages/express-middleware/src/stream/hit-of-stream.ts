import type { ConnHit } from '@stream-sessions/core';
import { atOnce, badOption, MAX_STREAM_LENGTH } from '@stream-sessions/core/spi';
import { buildHit } from '../request/hit-from-request.js';
import type { RequestInfo } from '../request/request-info.js';
import { targetOf } from '../request/target.js';
import { ownTokens } from '../tokens/reader.js';
import type { StreamSettings } from './options.js';

/**
 * The hit of a request whose response is a connection. Null: it passes uncounted. Undefined: there is no such stream. Rethrows
 * what a user's function throws.
 */
export function hitOfStream(seen: RequestInfo, settings: StreamSettings): ConnHit | null | undefined {
  const { streamOf, protocol, client } = settings;
  const stream = atOnce(streamOf(seen.req), 'stream()');
  if (stream === null) return null;
  if (stream === undefined || stream === '' || stream.length > MAX_STREAM_LENGTH) return undefined;
  const remoteAddress = client.address(seen);
  if (remoteAddress === undefined) return null; // the client has gone
  const query = targetOf(seen.req)?.query ?? '';
  const http = buildHit(seen, query, stream, protocol, remoteAddress, undefined, client, ownTokens);
  const { userAgent, token, secure, url, credentials } = http;
  const hit: ConnHit = {
    stream,
    protocol,
    remoteAddress,
    userAgent,
    query: http.query,
    token,
    secure,
    url,
    credentials,
  };
  const told = settings.hit === undefined ? hit : atOnce(settings.hit(seen.req, hit), 'hit()');
  if (typeof told !== 'object') throw badOption('The result of hit', 'a hit, or null', told);
  return told;
}
