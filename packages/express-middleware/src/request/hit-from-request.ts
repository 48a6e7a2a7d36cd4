import type { HttpHit, Protocol } from '@stream-sessions/core';
import { credentialsOf, withoutUserinfo } from '@stream-sessions/core/spi';
import { cmcdSid } from '../cmcd/sid.js';
import { type PlaybackRequest, routed } from '../connect.js';
import { MediaTypes } from '../media/extensions.js';
import { ownTokens, type TokenReader } from '../tokens/reader.js';
import { type ClientReader, clientReader } from './client-address.js';
import { type RequestInfo, requestInfo } from './request-info.js';
import { targetOf } from './target.js';
import { ownTimeshift } from './timeshift.js';

const MAX_PLAYER_ID_LENGTH = 256;
const ownReader = clientReader();
const ownTypes = new MediaTypes();

/**
 * Makes the hit of a request for `tracker.trackHttp()` and `tracker.admit()`: address (Express: `req.ip`), User-Agent, referer,
 * query, viewer token (`token`, `tkn`; URL before cookie), CMCD `sid`, `X-Playback-Session-Id`, TLS, credentials, and whether it
 * asks for another time than live (`from`, `delay`, `dur`, `ago`). A playlist that is not named `.m3u8` or `.mpd` does not imply
 * live: set `dvr: false` yourself.
 *
 * @param stream The stream code.
 * @example const admission = tracker.admit(hitFromRequest(req, 'cam1', 'hls'));
 */
export function hitFromRequest(req: PlaybackRequest, stream: string, protocol: Protocol): HttpHit {
  const seen = requestInfo(req);
  const target = targetOf(req);
  const query = target?.query ?? '';
  const isManifest = ownTypes.ofCounted(target?.pathname ?? '')?.manifest === true;
  const dvr = ownTimeshift(req, query, isManifest);
  return buildHit(seen, query, stream, protocol, ownReader.address(seen) ?? '', dvr, ownReader, ownTokens);
}

/** The client of a proxy sends the whole URL, which may contain its password. */
const ownUrl = (url: string | undefined): string | undefined =>
  url === undefined || (url.startsWith('/') && !url.startsWith('//')) ? url : withoutUserinfo(url);

/** The same, with query, address and time already read. */
export function buildHit(
  seen: RequestInfo,
  query: string,
  stream: string,
  protocol: Protocol,
  ip: string,
  dvr: boolean | undefined,
  client: ClientReader,
  tokens: TokenReader,
): HttpHit {
  const { req, headers } = seen;
  const playerId = headers['x-playback-session-id'];
  return {
    stream,
    protocol,
    ip,
    userAgent: headers['user-agent'],
    referer: headers.referer,
    query: query === '' ? undefined : query,
    token: tokens.read(query, headers.cookie),
    sid: cmcdSid(query, headers['cmcd-session']),
    playerSessionId: typeof playerId === 'string' && playerId.length <= MAX_PLAYER_ID_LENGTH ? playerId : undefined,
    secure: client.secure(seen),
    dvr,
    url: ownUrl(routed(req).originalUrl ?? req.url),
    credentials: credentialsOf(headers.authorization),
    secretParameters: tokens.secretParameters,
    tentative: undefined,
  };
}
