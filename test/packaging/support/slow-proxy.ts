import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';

/** Passes TCP on to a port of this machine; what comes back arrives later. */
export interface SlowProxy {
  readonly port: number;
  /** How much later. */
  latencyMs: number;
  stop(): Promise<void>;
}

export async function startSlowProxy(to: number, latencyMs: number): Promise<SlowProxy> {
  const sockets = new Set<Socket>();
  const server = createServer((client) => {
    const upstream = connect(to, '127.0.0.1');
    for (const [socket, other] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      sockets.add(socket);
      socket.setNoDelay().on('error', () => undefined);
      socket.once('close', () => {
        sockets.delete(socket);
        other.destroy();
      });
    }
    client.pipe(upstream);
    // all by the same time, so nothing overtakes
    upstream.on('data', (data: Buffer) => void setTimeout(() => client.write(data), proxy.latencyMs));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const proxy = {
    port: (server.address() as AddressInfo).port,
    latencyMs,
    stop: async () => {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
  return proxy;
}
