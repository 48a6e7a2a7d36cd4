import http, { type RequestListener, type Server } from 'node:http';
import type { AddressInfo, Server as NetServer } from 'node:net';

/** A server on a free port of 127.0.0.1. */
export interface Served {
  readonly server: Server;
  readonly port: number;
  readonly url: string;
  close(): Promise<void>;
}

const open = new Set<{ close(): Promise<void> }>();

/** Starts an app (Express, connect, or a plain handler). `closeServers()` ends it. */
export async function serve(handler: RequestListener | object, options: http.ServerOptions = {}): Promise<Served> {
  const server = http.createServer(options, handler as RequestListener);
  const port = await listen(server);
  const served = { server, port, url: `http://127.0.0.1:${port}`, close: () => shut(server) };
  open.add(served);
  return served;
}

/** Listens on a free port; the server is ended by `closeServers()`. */
export async function listen(server: NetServer): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  open.add({ close: () => shut(server) });
  return (server.address() as AddressInfo).port;
}

async function shut(server: NetServer): Promise<void> {
  if (!server.listening) return;
  const closed = new Promise((resolve) => server.close(resolve));
  if (server instanceof http.Server) server.closeAllConnections();
  await closed;
}

/** For `afterEach`. */
export async function closeServers(): Promise<void> {
  await Promise.all([...open].map((served) => served.close()));
  open.clear();
}
