import { createServer, get, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';

const open: { server: Server; clients: IncomingMessage[] }[] = [];

/** For `afterEach`. */
export async function closeServers(): Promise<void> {
  for (const { server, clients } of open.splice(0)) {
    clients.forEach((client) => client.destroy());
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
  }
}

/** A response of a real server, and the client that reads it. */
export interface Exchange {
  readonly res: ServerResponse;
  /** What the client has read so far. */
  read(): string;
  /** Once the head has arrived. */
  head(): Promise<IncomingMessage>;
  /** Resolves when the response has ended, to whether it ended properly. */
  readonly ended: Promise<boolean>;
  /** The client stops reading, reads on, or goes away. */
  pause(): Promise<void>;
  resume(): Promise<void>;
  leave(): Promise<void>;
}

/** Asks a real server, and hands over the response that it has not begun. */
export async function exchange(): Promise<Exchange> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const clients: IncomingMessage[] = [];
  open.push({ server, clients });
  const asked = once(server, 'request') as Promise<[IncomingMessage, ServerResponse]>;
  const request = get({ host: '127.0.0.1', port: (server.address() as AddressInfo).port, agent: false });
  let text = '';
  const arrived = once(request, 'response').then(([message]) => message as IncomingMessage);
  const ended = arrived.then(
    (message) =>
      new Promise<boolean>((resolve) => {
        message.once('error', () => resolve(false));
        message.once('close', () => resolve(message.complete));
        message.setEncoding('utf8').on('data', (part: string) => (text += part));
      }),
  );
  arrived.then((message) => clients.push(message)).catch(() => undefined);
  const [, res] = await asked;
  return {
    res,
    read: () => text,
    head: () => arrived,
    ended,
    pause: async () => void (await arrived).pause(),
    resume: async () => void (await arrived).resume(),
    leave: async () => void (await arrived).destroy(),
  };
}
