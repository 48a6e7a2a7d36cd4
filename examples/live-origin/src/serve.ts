import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { SessionTracker } from '@stream-sessions/core';
import { host, port, reachableAt } from './address.js';
import type { Channel } from './channel.js';
import type { ViewersKey } from './viewers-key.js';

interface Parts {
  channel: Channel;
  tracker: SessionTracker;
  key: ViewersKey;
}

function reasonNotToListen(error: NodeJS.ErrnoException): string {
  const { code } = error;
  if (code === 'EADDRINUSE') return `Port ${port()} is in use. Choose another one: PORT=${port()! + 1} npm start`;
  if (code === 'EACCES') return `Port ${port()} may not be opened. Choose another one: PORT=8080 npm start`;
  if (code === 'EADDRNOTAVAIL' || code === 'ENOTFOUND')
    return `HOST=${host} is no address of this machine. Try: HOST=0.0.0.0 npm start`;
  return error.message;
}

function greet(server: Server, source: 'ffmpeg' | 'sample', { secret }: ViewersKey): void {
  const { port } = server.address() as AddressInfo;
  if (source === 'sample') console.log('ffmpeg is not installed: playing the sample that comes with this example.');
  for (const name of reachableAt(host)) {
    const address = name.includes(':') ? `[${name}]` : name;
    console.log(`On air: http://${address}:${port}/${secret ? `?key=${secret}` : ''}`);
  }
}

/** Listens, says where, and on Ctrl-C leaves no process and no file behind. */
export function serve(app: RequestListener, { channel, tracker, key }: Parts): void {
  const server = createServer(app);
  let leaving = false;

  async function leave(code: number, why?: string): Promise<void> {
    if (leaving) return;
    leaving = true;
    if (why) console.error(why);
    server.close();
    server.closeAllConnections();
    await Promise.all([channel.stop(), tracker.stop({ timeoutMs: 500 })]);
    process.exit(code);
  }

  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => void leave(0));
  void channel.ended.then(() => leave(1, 'The channel has ended.'));
  server.once('error', (error) => void leave(1, reasonNotToListen(error)));

  const wanted = port();
  if (wanted === undefined) void leave(1, `PORT=${process.env.PORT} is no port. Try: PORT=8080 npm start`);
  else server.listen(wanted, host, () => void channel.onAir.then((source) => greet(server, source, key)));
}
