import { once } from 'node:events';
import type { AddressInfo, Server } from 'node:net';
import { frame, packet, SDP } from './rtsp-client.js';
import type { PackageRequest, PackageResponse } from '../../src/rtsp-server-package/shapes.js';

export type Handler = (request: PackageRequest & NodeJS.ReadableStream, response: PackageResponse) => void;

// It uses `new Buffer`, which warns.
// eslint-disable-next-line @typescript-eslint/no-require-imports
const { createServer } = require('rtsp-server') as { createServer(handler?: Handler): Server };
export { createServer };

/** An app on the npm package `rtsp-server` that plays two tracks of made-up media to everybody who asks. */
export const app: Handler = (request, response) => {
  const { method, socket, headers } = request;
  if (method === 'DESCRIBE') {
    response.setHeader('Content-Type', 'application/sdp');
    response.setHeader('Content-Length', String(Buffer.byteLength(SDP)));
    return response.end(SDP);
  }
  response.setHeader('Session', '12345678');
  if (method === 'SETUP') response.setHeader('Transport', headers['transport'] ?? '');
  if (method === 'ANNOUNCE') request.resume();
  response.end();
  if (method !== 'PLAY') return;
  const timer = setInterval(() => socket.write(frame(0, packet(1))), 20);
  socket.once('close', () => clearInterval(timer));
};

export async function listening(server: Server): Promise<number> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}
