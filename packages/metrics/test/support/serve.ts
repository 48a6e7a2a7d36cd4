import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';

const open: (() => Promise<unknown>)[] = [];

/** Serves on a free port, and returns its address. */
export async function serve(handler: RequestListener): Promise<string> {
  const server = createServer(handler).listen(0, '127.0.0.1');
  await once(server, 'listening');
  open.push(() => {
    server.closeAllConnections();
    return new Promise((resolve) => server.close(resolve));
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** For `afterEach`. */
export const closeServers = async (): Promise<void> => {
  await Promise.all(open.splice(0).map((close) => close()));
};
