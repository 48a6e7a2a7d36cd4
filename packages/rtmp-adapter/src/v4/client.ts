import { streamCode, tokenFromQuery, type ConnHit } from '@stream-sessions/core';
import { credentialsOf, SocketFlow, type Flow, type VisitClient, type Voice } from '@stream-sessions/core/spi';
import type { Duplex } from 'node:stream';
import { httpVoice, wsVoice } from '../visits/flv-voices.js';
import { queryFrom, queryOf } from '../visits/query.js';
import { rtmpVoice } from '../visits/rtmp-voice.js';
import { PlayGate } from './play-gate.js';
import { PublishGate } from './publish-gate.js';
import { isWebSocket, type Socket, type V4Session } from './shapes.js';

export type Role = 'viewer' | 'input';

export const socketOf = (session: V4Session): Socket =>
  session.protocol === 'rtmp' ? session.socket : session.req.socket;

/** What is this client's alone: of HTTP/2 its stream, for others may share the socket. */
const outletOf = (session: V4Session): Duplex =>
  (session.protocol === 'flv' ? session.req.stream : undefined) ?? socketOf(session);

/** What the tracker is told of a session; undefined when it has gone already or names no stream. */
export function hitOf(session: V4Session, kind: Role): ConnHit | undefined {
  const socket = socketOf(session);
  const stream = streamCode(session.streamPath);
  const { remoteAddress } = socket;
  if (stream === undefined || remoteAddress === undefined || socket.destroyed) return undefined;
  const isRtmp = session.protocol === 'rtmp';
  const query = isRtmp ? queryFrom(session.streamQuery) : queryOf(session.req.url ?? '');
  const agent = isRtmp ? session.rtmp.connectCmdObj?.flashVer : session.req.headers['user-agent'];
  const token = tokenFromQuery(query);
  return {
    stream,
    kind,
    protocol: isRtmp ? 'rtmp' : isWebSocket(session.res) ? 'ws-flv' : 'http-flv',
    remoteAddress,
    secure: socket.encrypted === true,
    url: isRtmp ? `${session.streamPath}${query && '?'}${query}` : session.req.url,
    query,
    ...(typeof agent === 'string' && { userAgent: agent }),
    ...(token && { token }),
    ...(!isRtmp && { credentials: credentialsOf(session.req.headers.authorization) }),
  };
}

/** A player or publisher of node-media-server 4. */
export function clientOf(session: V4Session, hit: ConnHit, role: Role, maxBufferBytes: number): VisitClient {
  const outlet = outletOf(session);
  const voice = voiceOf(session, outlet, role);
  const flow = (): Flow =>
    outlet === socketOf(session) ? new SocketFlow(socketOf(session)) : http2Flow(session, outlet);
  return role === 'input'
    ? publisher(session, hit, voice, flow)
    : player(session, hit, voice, flow, PlayGate.enter(session, outlet, maxBufferBytes));
}

function player(session: V4Session, hit: ConnHit, voice: Voice, flow: () => Flow, gate: PlayGate): VisitClient {
  const shut = (): void => {
    gate.close();
    // The server seats it only after it has told us, and forgets it only with its socket, which HTTP keeps.
    const { broadcast } = session;
    queueMicrotask(() => broadcast.subscribers.delete(session.id));
  };
  return {
    hit,
    flow,
    hold: () => gate.hold(),
    release: () => gate.release(),
    refuse(denial) {
      shut();
      voice.refuse(denial);
    },
    sever(reason) {
      shut();
      voice.sever(reason);
    },
    forget: () => gate.leave(),
  };
}

function publisher(session: V4Session, hit: ConnHit, voice: Voice, flow: () => Flow): VisitClient {
  const gate = (): PublishGate => PublishGate.of(session);
  return {
    hit,
    flow,
    hold: () => gate().hold(),
    release: () => gate().release(),
    refuse(denial) {
      gate().close();
      voice.refuse(denial);
      // The server makes it the publisher only after it has told us.
      queueMicrotask(() => unseat(session));
    },
    sever(reason) {
      gate().close();
      voice.sever(reason);
    },
    forget: () => undefined,
  };
}

/** The server would keep its place for 30 s, for it to come back. A denied one does not come back. */
export function unseat(session: V4Session): void {
  const { broadcast } = session;
  if (broadcast.publisher !== session) return;
  broadcast.publisher = null;
  session.isPublisher = false;
  broadcast._destroyIfEmpty?.();
}

/** The server tells of a second publisher too, before it refuses it. */
export const isPublisher = (session: V4Session): boolean =>
  session.broadcast.publisher === null || session.broadcast.publisher === session;

function voiceOf(session: V4Session, outlet: Duplex, role: Role): Voice {
  if (session.protocol === 'rtmp') {
    const { rtmp, socket } = session;
    return rtmpVoice(socket, (...status) => rtmp.sendStatusMessage(rtmp.streamId, ...status), role === 'input');
  }
  const { res } = session;
  return isWebSocket(res) ? wsVoice(res, outlet) : httpVoice(res, outlet, outlet !== session.req.socket);
}

/** One stream of an HTTP/2 connection has no counters: what the server has given it, without what still waits. */
function http2Flow(session: V4Session, stream: Duplex): Flow {
  const { outBytes, inBytes } = session;
  const waiting = (): number => stream.writableLength;
  return {
    sent: () => session.outBytes - outBytes - waiting(),
    received: () => session.inBytes - inBytes,
    waiting,
  };
}
