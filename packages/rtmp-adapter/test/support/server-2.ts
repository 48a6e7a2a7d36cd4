import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import NodeMediaServer from 'node-media-server-2';
import { runNodeMediaServer } from '../../src/index.js';
import { freePorts } from './free-port.js';

export interface Server2 {
  readonly nms: NodeMediaServer;
  readonly rtmp: number;
  readonly http: number;
  stop(): Promise<void>;
}

/** A running node-media-server 2 on ports of its own. It listens on all interfaces: it cannot do otherwise. */
export async function startServer2(
  before: (nms: NodeMediaServer) => void = () => undefined,
  more: object = {},
): Promise<Server2> {
  const [rtmp, http] = (await freePorts(2)) as [number, number];
  const mediaroot = mkdtempSync(join(tmpdir(), 'rtmp-adapter-'));
  const nms = new NodeMediaServer({
    logType: 0,
    rtmp: { port: rtmp, chunk_size: 60_000, gop_cache: true, ping: 30, ping_timeout: 60 },
    http: { port: http, mediaroot, allow_origin: '*', api: false },
    ...more,
  });
  before(nms);
  await runNodeMediaServer(nms);
  const { nhs, nrs } = nms as unknown as Record<'nhs' | 'nrs', { httpServer: any; tcpServer: any }>;
  return {
    nms,
    rtmp,
    http,
    stop: async () => {
      const closed = [once(nhs.httpServer, 'close'), once(nrs.tcpServer, 'close')];
      nms.stop();
      nhs.httpServer.closeAllConnections();
      await Promise.all(closed);
      rmSync(mediaroot, { recursive: true, force: true });
    },
  };
}
