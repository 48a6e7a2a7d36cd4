import { tokenFromQuery, type ConnHit } from '@stream-sessions/core';
import { credentialsOf, SocketFlow, withoutUserinfo, type VisitClient, type Voice } from '@stream-sessions/core/spi';
import type { Settings } from '../options.js';
import { httpVoice, wsVoice } from '../visits/flv-voices.js';
import { ListenedFlow, type Ask } from '../visits/listened-flow.js';
import { rtmpPing, webSocketPing } from '../visits/pings.js';
import { queryFrom, queryOf } from '../visits/query.js';
import { rtmpVoice } from '../visits/rtmp-voice.js';
import { joined } from '../visits/server-address.js';
import type { Socket } from '../v4/shapes.js';
import { serverQueryOf } from './connect-command.js';
import { boundSink, MediaGate, StartGate } from './gates.js';
import { isRtmp, responseOf, type RtmpSession2, type V2Session } from './shapes.js';

export type Kind = 'viewer' | 'input';

export const socketOf = (session: V2Session): Socket => (isRtmp(session) ? session.socket : session.req.socket);

/** What the tracker is told of a session; undefined when it has gone already. */
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

/** A player of node-media-server 2. */
export function playerOf(session: V2Session, { maxBufferBytes, silenceTimeoutMs }: Settings): VisitClient {
  const socket = socketOf(session);
  const gate = StartGate.of(session);
  const voice = voiceOf(session, socket);
  const ask = askOf(session);
  const sink = boundSink(session, socket, maxBufferBytes);
  const shut = (): void => {
    sink.shut();
    gate.shutForGood();
  };
  return {
    flow() {
      const flow = flowOf(socket, silenceTimeoutMs);
      return ask === undefined ? flow : new ListenedFlow(flow, silenceTimeoutMs, ask);
    },
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
    forget: () => sink.restore(),
  };
}

/** A publisher of node-media-server 2: over RTMP only. */
export function publisherOf(
  session: RtmpSession2,
  { silenceTimeoutMs }: Settings,
  admitted: () => void = () => undefined,
): VisitClient {
  const gate = MediaGate.of(session);
  const { socket } = session;
  const say = sayer(session, session.publishStreamId);
  const voice = rtmpVoice(socket, say, true);
  return {
    flow() {
      admitted();
      return new ListenedFlow(flowOf(socket, silenceTimeoutMs), silenceTimeoutMs);
    },
    hold: () => gate.hold(),
    release: () => gate.release(),
    refuse(denial) {
      gate.shutForGood();
      voice.refuse(denial);
    },
    sever(reason) {
      gate.shutForGood();
      voice.sever(reason);
    },
    forget: () => undefined,
  };
}

function flowOf(socket: Socket, silenceTimeoutMs: number): SocketFlow {
  // Where nothing is sent, the kernel asks: a machine that has vanished does not answer.
  if (silenceTimeoutMs > 0) socket.setKeepAlive(true, silenceTimeoutMs);
  return new SocketFlow(socket);
}

/** Over HTTP nobody can be asked. */
function askOf(session: V2Session): Ask | undefined {
  if (isRtmp(session)) return rtmpPing(session.socket);
  return session.TAG === 'websocket-flv' ? webSocketPing(responseOf(session)) : undefined;
}

function voiceOf(session: V2Session, socket: Socket): Voice {
  if (isRtmp(session)) return rtmpVoice(socket, sayer(session, session.playStreamId), false);
  const res = responseOf(session);
  return session.TAG === 'http-flv' ? httpVoice(res, socket, false) : wsVoice(res, socket);
}

const sayer =
  (session: RtmpSession2, streamId: number) =>
  (level: string, code: string, description: string): void =>
    session.sendStatusMessage(streamId, level, code, description);
