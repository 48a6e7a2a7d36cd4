import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';

/** A TCP proxy that counts what passes through it to its clients, whatever the protocol. */
export interface CountingProxy {
  readonly port: number;
  /** Bytes that went to the clients. */
  passed(): number;
  /** Bytes that came from them. */
  came?(): number;
  stop(): Promise<void>;
}

export async function startCountingProxy(target: number): Promise<CountingProxy> {
  let [passed, came] = [0, 0];
  const sockets = new Set<Socket>();
  const server = createServer((client) => {
    const upstream = connect(target, '127.0.0.1');
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.on('error', () => undefined);
    }
    // Of a client that has left, what was on its way to it is still read: it is a part of what was sent.
    client.on('close', () => upstream.end());
    upstream.on('close', () => client.destroy());
    client.on('data', (data: Buffer) => (came += data.length));
    client.pipe(upstream);
    upstream.on('data', (data: Buffer) => {
      passed += data.length;
      if (client.writable) client.write(data);
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    passed: () => passed,
    came: () => came,
    stop: async () => {
      sockets.forEach((socket) => socket.destroy());
      server.close();
      await once(server, 'close');
    },
  };
}
