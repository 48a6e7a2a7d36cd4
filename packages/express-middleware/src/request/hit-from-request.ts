import type { HttpHit, Protocol } from '@stream-sessions/core';
import parseurl from 'parseurl';
import { type PlaybackRequest, routed } from '../connect.js';
import { type ClientReader, clientReader } from './client-address.js';
import { cmcdSid } from './cmcd.js';
import { credentialsOf } from './credentials.js';
import { viewerToken } from './viewer-token.js';

const DVR = /(?:^|&)(?:from|delay|dur|ago)(?:[=&]|$)/;
const MAX_PLAYER_ID_LENGTH = 256;
const ownReader = clientReader();

/** The target as Express itself reads it: the same parser, and the same memo on the request. */
export const targetOf = (req: PlaybackRequest): { pathname: string | null; query: string | null } | undefined =>
  parseurl(req as Parameters<typeof parseurl>[0]) as { pathname: string | null; query: string | null } | undefined;

/**
 * What `tracker.trackHttp()` and `tracker.admit()` want to know of a request: address (Express: `req.ip`), User-Agent,
 * referer, query, viewer token (`token`, `tkn`; URL before cookie), CMCD `sid`, `X-Playback-Session-Id`, TLS, and what
 * the client offered to prove who it is.
 *
 * @param stream The stream code.
 * @example const admission = tracker.admit(hitFromRequest(req, 'cam1', 'hls'));
 */
export function hitFromRequest(req: PlaybackRequest, stream: string, protocol: Protocol): HttpHit {
  return buildHit(req, stream, protocol, ownReader.address(req) ?? '', ownReader);
}

/** The same, with the address read already. */
export function buildHit(
  req: PlaybackRequest,
  stream: string,
  protocol: Protocol,
  ip: string,
  client: ClientReader,
): HttpHit {
  const { headers } = req;
  const query = targetOf(req)?.query ?? '';
  const playerId = headers['x-playback-session-id'];
  return {
    stream,
    protocol,
    ip,
    userAgent: headers['user-agent'],
    referer: headers.referer,
    query: query === '' ? undefined : query,
    token: viewerToken(query, headers.cookie),
    sid: cmcdSid(query, headers['cmcd-session']),
    playerSessionId: typeof playerId === 'string' && playerId.length <= MAX_PLAYER_ID_LENGTH ? playerId : undefined,
    secure: client.secure(req),
    dvr: query !== '' && DVR.test(query),
    url: routed(req).originalUrl ?? req.url,
    credentials: credentialsOf(headers.authorization),
  };
}
