import path from 'node:path';
import NodeMediaServer from 'node-media-server';
import logger from 'node-media-server/src/core/logger.js';
import type { SessionTracker } from '@stream-sessions/core';
import { attachRtmp, runNodeMediaServer } from '@stream-sessions/rtmp-adapter';
import { host, inUrl, localHost } from '../address.js';
import { choosePort, freePort } from '../ports.js';
import { STREAM, type Transport } from './transport.js';

// it tells every connection and every step of it; who comes and goes is on the page
logger.log = (message, level) => level === 'error' && console.error(`node-media-server: ${message}`);

/** RTMP, and the same stream as HTTP-FLV and WS-FLV. Ports: RTMP_PORT, FLV_PORT. Its own files go into `folder`. */
export function rtmp(tracker: SessionTracker, folder: string): Transport {
  const ports = { rtmp: 0, flv: 0 };
  let nms: NodeMediaServer | undefined;
  let running: Promise<void> | undefined;
  return {
    async start() {
      ports.rtmp = (await choosePort('RTMP_PORT', 1935)) || (await freePort());
      ports.flv = (await choosePort('FLV_PORT', 8000)) || (await freePort());
      nms = new NodeMediaServer({
        bind: host,
        rtmp: { port: ports.rtmp },
        http: { port: ports.flv },
        webadmin: { enable: false },
        store: { path: path.join(folder, '.node-media-server') }, // express.static shows no dot files
      });
      attachRtmp(nms, tracker);
      running = runNodeMediaServer(nms);
      await running;
    },
    ingest: () => `rtmp://${inUrl(localHost)}:${ports.rtmp}/live/${STREAM}`,
    addresses: (name) => [
      { protocol: 'rtmp', url: `rtmp://${name}:${ports.rtmp}/live/${STREAM}` },
      { protocol: 'http-flv', url: `http://${name}:${ports.flv}/live/${STREAM}.flv` },
      { protocol: 'ws-flv', url: `ws://${name}:${ports.flv}/live/${STREAM}.flv` },
    ],
    async stop() {
      await running?.catch(() => undefined); // it makes its files while it starts
      await nms?.stop();
    },
  };
}
