import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';

/** A network between clients and a server that may be gone, without a word to either side. */
export interface MuteProxy {
  readonly port: number;
  /** From now on nothing passes any more, and no connection ends. */
  mute(): void;
  stop(): void;
}

export async function startMuteProxy(target: number): Promise<MuteProxy> {
  let isMute = false;
  const sockets = new Set<Socket>();
  const server = createServer((client) => {
    const upstream = connect(target, '127.0.0.1');
    for (const [from, to] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      sockets.add(from);
      from.on('data', (data: Buffer) => void (isMute || to.write(data)));
      from.on('error', () => undefined);
      from.on('close', () => void (isMute || to.destroy()));
    }
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    mute: () => {
      isMute = true;
      // What nobody takes fills the buffers of the kernel, as on a network that is gone.
      for (const socket of sockets) socket.pause();
    },
    stop: () => {
      sockets.forEach((socket) => socket.destroy());
      server.close();
    },
  };
}
