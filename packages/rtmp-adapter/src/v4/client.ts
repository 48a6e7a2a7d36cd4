import { streamCode, tokenFromQuery, type ConnHit } from '@stream-sessions/core';
import {
  credentialsOf,
  SocketByteCounters,
  withoutUserinfo,
  type ByteCounters,
  type Responder,
} from '@stream-sessions/core/spi';
import type { EventEmitter } from 'node:events';
import type { Duplex } from 'node:stream';
import { httpResponder, webSocketResponder } from '../client/flv-responders.js';
import { SilenceCounters, type Ask } from '../client/silence-counters.js';
import { http2Ping, rtmpPing, webSocketPing } from '../client/pings.js';
import { queryFrom, queryOf } from '../client/query.js';
import { rtmpResponder } from '../client/rtmp-responder.js';
import { joined, serverAddress } from '../client/server-address.js';
import { isWebSocket, type RtmpSession, type Socket, type V4Session } from './shapes.js';

export type Role = 'viewer' | 'input';

export const socketOf = (session: V4Session): Socket =>
  session.protocol === 'rtmp' ? session.socket : session.req.socket;

/** What belongs to this client alone: with HTTP/2 its stream, because others may share the socket. */
export const outletOf = (session: V4Session): Duplex =>
  (session.protocol === 'flv' ? session.req.stream : undefined) ?? socketOf(session);

/** The hit of a session; undefined if it has already gone or names no stream. */
export function hitOf(session: V4Session, kind: Role): ConnHit | undefined {
  const socket = socketOf(session);
  const stream = streamCode(session.streamPath ?? '');
  const { remoteAddress } = socket;
  if (stream === undefined || remoteAddress === undefined || socket.destroyed) return undefined;
  const isRtmp = session.protocol === 'rtmp';
  const query = isRtmp ? rtmpQuery(session) : queryOf(session.req.url ?? '');
  const agent = isRtmp ? session.rtmp.connectCmdObj?.flashVer : session.req.headers['user-agent'];
  const token = tokenFromQuery(query);
  return {
    stream,
    kind,
    protocol: isRtmp ? 'rtmp' : isWebSocket(session.res) ? 'ws-flv' : 'http-flv',
    remoteAddress,
    secure: socket.encrypted === true,
    url: withoutUserinfo(isRtmp ? `${session.streamPath}${query && '?'}${query}` : (session.req.url ?? '')),
    query,
    ...(typeof agent === 'string' && { userAgent: agent }),
    ...(token && { token }),
    ...(!isRtmp && { credentials: credentialsOf(session.req.headers.authorization) }),
  };
}

/** Including the query of the server's address, where some clients put it. */
function rtmpQuery({ streamQuery, rtmp: { connectCmdObj } }: RtmpSession): string {
  return joined(queryFrom(streamQuery), serverAddress(connectCmdObj?.app, connectCmdObj?.tcUrl).query);
}

/** Calls back when the client has gone, by whatever transport. Returns a function that unsubscribes. */
export function onceGone(session: V4Session, gone: () => void): () => void {
  const emitter: EventEmitter = session.protocol === 'rtmp' ? session.socket : session.res;
  // by its end, it may have asked for another
  const { broadcast, id } = session;
  const onClose = (): void => {
    gone();
    // A response can end before its socket; the server forgets its player only when the socket ends.
    broadcast.subscribers.delete(id);
  };
  // Before the server is notified, because it must still be known whose place this was.
  emitter.prependListener('close', onClose);
  return () => emitter.off('close', onClose);
}

const ignore = (): void => undefined;

/**
 * The server hears nothing more from a client that is refused, cut or hung up on. It handles all that has arrived in one go:
 * commands that came along with the one that was judged would be obeyed without having been judged.
 */
export function deafen(session: V4Session): void {
  if (session.protocol !== 'rtmp') return;
  const { rtmp } = session;
  rtmp.onConnectCallback = rtmp.onPlayCallback = rtmp.onPushCallback = rtmp.onPacketCallback = ignore;
}

/**
 * Takes a client out of the server, for good. The server registers it only after notifying us, and forgets a player only with its
 * socket, which HTTP keeps open.
 */
export function expel(session: V4Session): void {
  deafen(session);
  queueMicrotask(() => {
    session.broadcast.subscribers.delete(session.id);
    clearPublisher(session);
  });
}

/** The server would keep its place for 30 s in case it comes back. A denied one does not. */
export function clearPublisher(session: V4Session): void {
  const { broadcast } = session;
  if (broadcast.publisher !== session) return;
  broadcast.publisher = null;
  session.isPublisher = false;
  broadcast._destroyIfEmpty?.();
}

/** The server also emits events for a second publisher, before refusing it. */
export const isPublisher = (session: V4Session): boolean =>
  session.broadcast.publisher === null || session.broadcast.publisher === session;

/** Tells a client why it is refused or kicked, in the terms of its protocol. */
export function responderOf(session: V4Session, role: Role): Responder {
  const outlet = outletOf(session);
  if (session.protocol === 'rtmp') {
    const { rtmp, socket } = session;
    return rtmpResponder(socket, (...status) => rtmp.sendStatusMessage(rtmp.streamId, ...status), role === 'input');
  }
  const { res } = session;
  return isWebSocket(res) ? webSocketResponder(res, outlet) : httpResponder(res, outlet, outlet !== session.req.socket);
}

/** Its counters from now on, which also tell whether it is still alive. */
export function countersOf(session: V4Session, role: Role, silenceTimeoutMs: number): ByteCounters {
  const socket = socketOf(session);
  const outlet = outletOf(session);
  const isHttp2 = outlet !== socket;
  // If nothing is sent, the kernel probes: a machine that has vanished does not answer.
  if (!isHttp2 && silenceTimeoutMs > 0) socket.setKeepAlive(true, silenceTimeoutMs);
  const counters = isHttp2 ? http2Counters(session, outlet) : new SocketByteCounters(socket);
  if (role === 'input') return new SilenceCounters(counters, silenceTimeoutMs);
  const ask = askOf(session);
  return ask === undefined ? counters : new SilenceCounters(counters, silenceTimeoutMs, ask);
}

/** Over HTTP/1, clients cannot be asked. */
function askOf(session: V4Session): Ask | undefined {
  if (session.protocol === 'rtmp') return rtmpPing(session.socket);
  const { req, res } = session;
  if (isWebSocket(res)) return webSocketPing(res);
  return req.stream && http2Ping(req.stream.session);
}

/** A single stream of an HTTP/2 connection has no counters: counts what the server has written, minus what is still waiting. */
function http2Counters(
  session: V4Session,
  stream: Duplex,
): ByteCounters & Required<Pick<ByteCounters, 'received' | 'waiting'>> {
  const { outBytes, inBytes } = session;
  const waiting = (): number => stream.writableLength;
  return {
    sent: () => session.outBytes - outBytes - waiting(),
    received: () => session.inBytes - inBytes,
    waiting,
  };
}
