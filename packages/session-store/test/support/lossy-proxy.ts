import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';

/** A TCP proxy that can lose the answer to a command: the server has done it, and the connection breaks. */
export interface LossyProxy {
  readonly port: number;
  /** The answer to the next piece of traffic that contains this text is lost. */
  loseAnswerTo(text: string): void;
  /** How many answers were lost. */
  readonly lost: number;
  close(): Promise<void>;
}

export async function lossyProxy(target: number): Promise<LossyProxy> {
  let trigger: string | undefined;
  let lost = 0;
  const sockets = new Set<Socket>();
  const server = createServer((client) => {
    const upstream = connect(target, '127.0.0.1');
    let losing = false;
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.on('error', () => undefined);
      socket.on('close', () => {
        sockets.delete(socket);
        client.destroy();
        upstream.destroy();
      });
    }
    client.on('data', (data) => {
      if (trigger !== undefined && data.includes(trigger)) {
        trigger = undefined;
        losing = true;
      }
      upstream.write(data);
    });
    upstream.on('data', (data) => {
      if (!losing) return void client.write(data);
      lost++;
      client.destroy();
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    loseAnswerTo: (text) => (trigger = text),
    get lost() {
      return lost;
    },
    close: async () => {
      server.close();
      sockets.forEach((socket) => socket.destroy());
      await once(server, 'close');
    },
  };
}
