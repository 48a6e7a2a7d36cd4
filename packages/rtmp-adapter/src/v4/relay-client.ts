import { streamCode, type ConnHit } from '@stream-sessions/core';
import { SocketByteCounters, type TransportClient } from '@stream-sessions/core/spi';
import { clearPublisher } from './client.js';
import { PlayGate } from './play-gate.js';
import { SourceGate } from './source-gate.js';
import type { RtmpSession, Socket, V4Session } from './shapes.js';

/** Out to another server, or in from there. */
export type Direction = 'output' | 'input';

/** A relay task of the server. */
export type Relay = RtmpSession & {
  readonly mode?: 'push' | 'pull';
  /** For RTMP and for RTSP. */
  readonly url?: string;
  readonly rtspUrl?: string;
  readonly taskKey: string;
  readonly rtmpClient?: { readonly socket: Socket | null };
  readonly rtspClient?: { readonly socket: Socket | null };
  /** Joins the stream that is being pushed. */
  registerPush?: () => void;
};

/** The part of the server that manages these tasks. */
export interface Relays {
  addTask: (config: object) => Relay | undefined;
  removeTask(key: string): boolean;
}

/** Pulls emit the events of publishers, but have no client. */
export const isRelay = (session: V4Session): session is Relay => 'rtmpClient' in session || 'rtspClient' in session;

export const relaySocket = ({ rtmpClient, rtspClient }: Relay): Socket | null | undefined =>
  (rtmpClient ?? rtspClient)?.socket;

/** The hit of a relay; undefined if it has already gone or names no stream. */
export function relayHit(relay: Relay, kind: Direction): ConnHit | undefined {
  const stream = streamCode(relay.streamPath ?? '');
  const remoteAddress = relaySocket(relay)?.remoteAddress;
  if (stream === undefined || remoteAddress === undefined) return undefined;
  const protocol = relay.rtspClient ? 'rtsp' : 'rtmp';
  // The rest of the address may contain a password, or be the key of somebody else's server.
  const { host } = new URL(relay.url ?? relay.rtspUrl ?? '');
  return { stream, kind, protocol, remoteAddress, url: `${protocol}://${host}` };
}

/** One connection of a relay. Ending it ends the task, because the server would otherwise reconnect. */
export function relayClient(
  relay: Relay,
  direction: Direction,
  socket: Socket,
  relays: Relays,
  maxBufferBytes: number,
): TransportClient {
  const gate = direction === 'output' ? PlayGate.enter(relay, socket, maxBufferBytes) : SourceGate.enter(socket);
  const end = (): void => {
    gate.close();
    // The server may be in the middle of connecting.
    queueMicrotask(() => {
      if (direction === 'input') clearPublisher(relay);
      relays.removeTask(relay.taskKey);
      socket.destroy();
    });
  };
  return {
    counters: () => new SocketByteCounters(socket),
    pause: () => gate.hold(),
    resume: () => gate.release(),
    reject: end,
    destroy: end,
    dispose: () => gate.leave(),
  };
}
