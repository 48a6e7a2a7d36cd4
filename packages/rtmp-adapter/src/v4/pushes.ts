import { streamCode, type ConnHit, type SessionTracker } from '@stream-sessions/core';
import { SocketFlow, Visit, type VisitClient } from '@stream-sessions/core/spi';
import type { Settings } from '../options.js';
import { warnOfFault } from '../visits/warn.js';
import { PlayGate } from './play-gate.js';
import type { RtmpSession, Socket } from './shapes.js';

/** A relay task of the server that pushes one of its streams to another server. */
type Push = RtmpSession & {
  readonly mode: 'push' | 'pull';
  readonly url: string;
  readonly taskKey: string;
  readonly rtmpClient?: { readonly socket: Socket | null };
  /** Joins the stream; again after every reconnect. */
  registerPush?: () => void;
  unregisterBroadcast?: () => void;
};

interface Relays {
  addTask(config: object): Push | undefined;
  removeTask(key: string): boolean;
}

/** Shows the pushes of node-media-server 4 as `output` sessions, from each connection to its end. Returns what stops it. */
export function watchPushes(relays: Relays | undefined, tracker: SessionTracker, settings: Settings): () => void {
  if (typeof relays?.addTask !== 'function') return () => undefined;
  const visits = new Map<Push, Visit>();
  const addTask = relays.addTask.bind(relays);

  const open = (push: Push): void => {
    try {
      const hit = hitOf(push);
      if (hit === undefined) return;
      const visit = new Visit(clientOf(push, hit, relays, settings), tracker, settings, () => visits.delete(push));
      visits.set(push, visit);
      visit.begin();
    } catch (error) {
      warnOfFault(error);
    }
  };
  const own = (config: object): Push | undefined => {
    const push = addTask(config);
    const { registerPush, unregisterBroadcast } = push ?? {};
    if (push?.mode !== 'push' || registerPush === undefined || unregisterBroadcast === undefined) return push;
    push.registerPush = () => {
      if (relays.addTask === own) open(push);
      registerPush();
    };
    push.unregisterBroadcast = () => {
      visits.get(push)?.leave();
      unregisterBroadcast();
    };
    return push;
  };
  relays.addTask = own;
  return () => {
    if (relays.addTask === own) delete (relays as Partial<Relays>).addTask;
    for (const visit of visits.values()) visit.leave('shutdown');
  };
}

function hitOf({ streamPath, url, rtmpClient }: Push): ConnHit | undefined {
  const stream = streamCode(streamPath);
  const remoteAddress = rtmpClient?.socket?.remoteAddress;
  if (stream === undefined || remoteAddress === undefined) return undefined;
  // The rest of the address may be the key of somebody else's server.
  const target = new URL(url);
  return { stream, kind: 'output', protocol: 'rtmp', remoteAddress, url: `${target.protocol}//${target.host}` };
}

function clientOf(push: Push, hit: ConnHit, relays: Relays, { maxBufferBytes }: Settings): VisitClient {
  const socket = push.rtmpClient?.socket as Socket;
  const gate = PlayGate.enter(push, socket, maxBufferBytes);
  const end = (): void => {
    gate.close();
    // The task goes with it, else the server would connect again. It is in the middle of connecting, perhaps.
    queueMicrotask(() => void relays.removeTask(push.taskKey));
    socket.destroy();
  };
  return {
    hit,
    flow: () => new SocketFlow(socket),
    hold: () => gate.hold(),
    release: () => gate.release(),
    refuse: end,
    sever: end,
    forget: () => gate.leave(),
  };
}
