import { once } from 'node:events';
import { rmSync } from 'node:fs';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { SessionTracker } from '@stream-sessions/core';
import { host, inUrl, localHost, reachableAt } from './address.js';
import type { Channel } from './channel.js';
import type { KeptViewers } from './history.js';
import { choosePort, reasonNotToListen } from './ports.js';
import type { Transport } from './transports/transport.js';
import type { ViewersKey } from './viewers-key.js';

interface Parts {
  channel: Channel;
  transports: readonly Transport[];
  tracker: SessionTracker;
  history: KeptViewers;
  key: ViewersKey;
}

/** Listens, puts the channel on air, says where, and on Ctrl-C leaves no process and no file behind. */
export function serve(app: RequestListener, { channel, transports, tracker, history, key }: Parts): void {
  const server = createServer(app);
  let leaving = false;

  async function leave(code: number, why?: string): Promise<void> {
    if (leaving) return;
    leaving = true;
    if (why) console.error(why);
    server.close();
    server.closeAllConnections();
    // the tracker hangs up on everybody (and with STATE closes nobody); then the servers have nothing to wait for
    await Promise.all([channel.stop(), tracker.stop({ timeoutMs: 500, keep: true })]);
    await Promise.all([...transports.map((each) => each.stop()), history.stop()]);
    rmSync(channel.folder, { recursive: true, force: true }); // what the servers wrote there at the end
    process.exit(code);
  }

  async function start(): Promise<void> {
    await history.ready;
    server.listen(await choosePort('PORT', 8080), host);
    await once(server, 'listening');
    for (const each of transports) await each.start(); // in this order: a default that moves on takes nobody's else
    channel.putOnAir(transports.flatMap((each) => each.ingest() ?? []));
    greet(server.address() as AddressInfo, await channel.onAir);
  }

  function greet({ port }: AddressInfo, source: 'ffmpeg' | 'sample'): void {
    if (source === 'sample') console.log('ffmpeg is not installed: playing the sample that comes with this example.');
    for (const name of reachableAt(host).map(inUrl)) {
      console.log(`On air: ${key.pageOf(`http://${name}:${port}`)}`);
      if (source === 'sample') continue;
      for (const { url } of transports.flatMap((each) => each.addresses(name))) console.log(`        ${url}`);
    }
    console.log(`The list for scripts: ${key.scriptFor(`http://${inUrl(localHost)}:${port}`)}`);
  }

  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => void leave(0));
  void channel.ended.then(() => leave(1, 'The channel has ended.'));
  start().catch((error: Error) => leave(1, reasonNotToListen(error)));
}
