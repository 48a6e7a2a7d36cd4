import type { HttpHit, Protocol } from '@stream-sessions/core';
import { credentialsOf, withoutUserinfo } from '@stream-sessions/core/spi';
import { cmcdSid } from '../cmcd/sid.js';
import { type PlaybackRequest, routed } from '../connect.js';
import { ownTokens, type TokenReader } from '../tokens/reader.js';
import { type ClientReader, clientReader } from './client-address.js';

import { type RequestInfo, requestInfo } from './request-info.js';
import { targetOf } from './target.js';

const DVR = /(?:^|&)(?:from|delay|dur|ago)(?:[=&]|$)/;
const MAX_PLAYER_ID_LENGTH = 256;
const ownReader = clientReader();

/**
 * Makes the hit of a request for `tracker.trackHttp()` and `tracker.admit()`: address (Express: `req.ip`), User-Agent,
 * referer, query, viewer token (`token`, `tkn`; URL before cookie), CMCD `sid`, `X-Playback-Session-Id`, TLS, and
 * credentials.
 *
 * @param stream The stream code.
 * @example const admission = tracker.admit(hitFromRequest(req, 'cam1', 'hls'));
 */
export function hitFromRequest(req: PlaybackRequest, stream: string, protocol: Protocol): HttpHit {
  const seen = requestInfo(req);
  return buildHit(
    seen,
    targetOf(req)?.query ?? '',
    stream,
    protocol,
    ownReader.address(seen) ?? '',
    ownReader,
    ownTokens,
  );
}

/** A client of a proxy writes the whole URL, and may write its password into that. */
const ownUrl = (url: string | undefined): string | undefined =>
  url === undefined || (url.startsWith('/') && !url.startsWith('//')) ? url : withoutUserinfo(url);

/** The same, with query and address read already. */
export function buildHit(
  seen: RequestInfo,
  query: string,
  stream: string,
  protocol: Protocol,
  ip: string,
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
    dvr: query !== '' && DVR.test(query),
    url: ownUrl(routed(req).originalUrl ?? req.url),
    credentials: credentialsOf(headers.authorization),
    secretParameters: tokens.secretParameters,
    tentative: undefined,
  };
}
