import { tokenFromQuery, type ConnHit } from '@stream-sessions/core';
import {
  credentialsOf,
  SocketByteCounters,
  withoutUserinfo,
  type TransportClient,
  type Responder,
} from '@stream-sessions/core/spi';
import type { Settings } from '../options.js';
import { httpResponder, webSocketResponder } from '../client/flv-responders.js';
import { SilenceCounters, type Ask } from '../client/silence-counters.js';
import { rtmpPing, webSocketPing } from '../client/pings.js';
import { queryFrom, queryOf } from '../client/query.js';
import { rtmpResponder } from '../client/rtmp-responder.js';
import { joined } from '../client/server-address.js';
import type { Socket } from '../v4/shapes.js';
import { serverQueryOf } from './connect-command.js';
import { boundSink } from './bounded-sink.js';
import { PlayGate } from './play-gate.js';
import { PublishGate } from './publish-gate.js';
import { isRtmp, responseOf, type RtmpSession2, type V2Session } from './shapes.js';

export type Kind = 'viewer' | 'input';

export const socketOf = (session: V2Session): Socket => (isRtmp(session) ? session.socket : session.req.socket);

/** The hit of a session; undefined if it has already gone. */
export function hitOf(session: V2Session, kind: Kind, path: string, stream: string): ConnHit | undefined {
  const socket = socketOf(session);
  const { remoteAddress } = socket;
  if (remoteAddress === undefined || socket.destroyed) return undefined;
  const rtmp = isRtmp(session);
  const args = rtmp && kind === 'input' ? session.publishArgs : session.playArgs;
  const query = rtmp ? joined(queryFrom(args ?? undefined), serverQueryOf(session)) : queryOf(session.req.url ?? '');
  const agent = rtmp ? session.connectCmdObj?.flashVer : session.req.headers['user-agent'];
  const token = tokenFromQuery(query);
  return {
    stream,
    kind,
    protocol: rtmp ? 'rtmp' : session.TAG === 'http-flv' ? 'http-flv' : 'ws-flv',
    remoteAddress,
    secure: socket.encrypted === true,
    url: withoutUserinfo(rtmp ? `${path}${query && '?'}${query}` : (session.req.url ?? '')),
    query,
    ...(typeof agent === 'string' && { userAgent: agent }),
    ...(token && { token }),
    ...(!rtmp && { credentials: credentialsOf(session.req.headers.authorization) }),
  };
}

export interface V2Client extends TransportClient {
  readonly kind: Kind;
  readonly path: string;
}

/** A player of node-media-server 2. */
export function playerOf(session: V2Session, path: string, { maxBufferBytes, silenceTimeoutMs }: Settings): V2Client {
  const socket = socketOf(session);
  const gate = PlayGate.of(session);
  const responder = responderOf(session, socket);
  const ask = askOf(session);
  const sink = boundSink(session, socket, maxBufferBytes);
  const shut = (): void => {
    sink.shut();
    gate.shutForGood();
  };
  return {
    kind: 'viewer',
    path,
    counters() {
      const counters = countersOf(socket, silenceTimeoutMs);
      return ask === undefined ? counters : new SilenceCounters(counters, silenceTimeoutMs, ask);
    },
    pause: () => gate.hold(),
    resume: () => gate.release(),
    abandon: () => gate.abandon(),
    reject(denial) {
      shut();
      responder.reject(denial);
    },
    destroy(reason) {
      shut();
      responder.destroy(reason);
    },
    dispose: () => sink.restore(),
  };
}

/** A publisher of node-media-server 2, over RTMP only. */
export function publisherOf(
  session: RtmpSession2,
  path: string,
  { silenceTimeoutMs }: Settings,
  admitted: () => void = () => undefined,
): V2Client {
  const gate = PublishGate.of(session);
  const { socket } = session;
  const say = sayer(session, session.publishStreamId);
  const responder = rtmpResponder(socket, say, true);
  return {
    kind: 'input',
    path,
    counters() {
      admitted();
      return new SilenceCounters(countersOf(socket, silenceTimeoutMs), silenceTimeoutMs);
    },
    pause: () => gate.hold(),
    resume: () => gate.release(),
    abandon: () => gate.abandon(),
    reject(denial) {
      gate.shutForGood();
      responder.reject(denial);
    },
    destroy(reason) {
      gate.shutForGood();
      responder.destroy(reason);
    },
    dispose: () => undefined,
  };
}

function countersOf(socket: Socket, silenceTimeoutMs: number): SocketByteCounters {
  // If nothing is sent, the kernel probes: a machine that has vanished does not answer.
  if (silenceTimeoutMs > 0) socket.setKeepAlive(true, silenceTimeoutMs);
  return new SocketByteCounters(socket);
}

/** Over HTTP, clients cannot be asked. */
function askOf(session: V2Session): Ask | undefined {
  if (isRtmp(session)) return rtmpPing(session.socket);
  return session.TAG === 'websocket-flv' ? webSocketPing(responseOf(session)) : undefined;
}

function responderOf(session: V2Session, socket: Socket): Responder {
  if (isRtmp(session)) return rtmpResponder(socket, sayer(session, session.playStreamId), false);
  const res = responseOf(session);
  return session.TAG === 'http-flv' ? httpResponder(res, socket, false) : webSocketResponder(res, socket);
}

const sayer =
  (session: RtmpSession2, streamId: number) =>
  (level: string, code: string, description: string): void =>
    session.sendStatusMessage(streamId, level, code, description);
