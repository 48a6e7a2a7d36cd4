import type { Socket } from 'node:net';

/** The parts of a relay task of version 4 that have to be guarded. */
interface Relay {
  readonly broadcast: object | null;
  readonly rtmpClient?: { readonly socket: Socket | null };
  readonly rtspClient?: { readonly socket: Socket | null; onRtpDataCallback: OnMedia };
  onRtpData?: OnMedia;
  /** For RTSP and for RTMP: every connection begins with it. */
  connectAndPlay?: Connect;
  connectAndStart?: Connect;
}

type OnMedia = (channel: number, data: Buffer) => void;
type Connect = () => Promise<void>;

export interface RelayTasks {
  addTask: (config: object) => Relay | undefined;
}

/**
 * Input from a source that the server pulls from, or a server that it pushes to, ends the connection instead of the process.
 * Returns a function that removes the guard from further tasks.
 */
export function guardRelays(relays: RelayTasks | undefined): () => void {
  if (typeof relays?.addTask !== 'function') return () => undefined;
  const { addTask } = relays;
  const own: RelayTasks['addTask'] = (config) => {
    const relay = addTask.call(relays, config);
    if (relay !== undefined) guard(relay);
    return relay;
  };
  relays.addTask = own;
  return () => {
    if (relays.addTask === own) relays.addTask = addTask;
  };
}

function guard(relay: Relay): void {
  const { connectAndPlay, connectAndStart, onRtpData, rtspClient } = relay;
  const guarded = (connect: Connect): Connect => {
    return () => {
      const connected = connect();
      guardInput(relay);
      return connected;
    };
  };
  if (connectAndPlay) relay.connectAndPlay = guarded(connectAndPlay);
  if (connectAndStart) relay.connectAndStart = guarded(connectAndStart);
  guardInput(relay); // it is already connecting
  if (onRtpData === undefined || rtspClient === undefined) return;
  relay.onRtpData = rtspClient.onRtpDataCallback = (channel, data) => {
    // Media may arrive together with the response to PLAY, before the server is ready for it.
    if (relay.broadcast !== null) onRtpData(channel, data);
  };
}

function guardInput({ rtmpClient, rtspClient }: Relay): void {
  const socket = (rtmpClient ?? rtspClient)?.socket;
  if (!socket) return;
  for (const listener of socket.listeners('data') as ((data: Buffer) => void)[]) {
    socket.off('data', listener);
    socket.on('data', (data) => {
      try {
        listener.call(socket, data);
      } catch {
        socket.destroy();
      }
    });
  }
}
