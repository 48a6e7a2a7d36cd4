import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import NodeMediaServer from 'node-media-server';
import logger from 'node-media-server/src/core/logger.js';
import { runNodeMediaServer } from '../../src/index.js';
import { certificate } from './certificate.js';
import { freePorts } from '../../../../test/support/free-port.js';

export interface Server4 {
  readonly nms: NodeMediaServer;
  readonly rtmp: number;
  readonly rtmps: number;
  readonly http: number;
  /** HTTP/2, and HTTP/1.1 for who does not speak it. */
  readonly https: number;
  stop(): Promise<void>;
}

/** A running node-media-server 4 on ports of its own. One at a time in a process: it keeps everything in globals. */
export async function startServer4(
  before: (nms: NodeMediaServer) => void = () => undefined,
  more: object = {},
  portsChosen: (ports: Record<'rtmp' | 'rtmps' | 'http' | 'https', number>) => unknown = () => undefined,
): Promise<Server4> {
  const folder = mkdtempSync(join(tmpdir(), 'rtmp-adapter-'));
  const { key, cert } = certificate(folder);
  const [rtmp, rtmps, http, https] = (await freePorts(4)) as [number, number, number, number];
  await portsChosen({ rtmp, rtmps, http, https });
  const print = jest.spyOn(console, 'log').mockImplementation(() => undefined); // its five lines of greeting
  const nms = new NodeMediaServer({
    bind: '127.0.0.1',
    rtmp: { port: rtmp },
    rtmps: { port: rtmps, key, cert },
    http: { port: http },
    https: { port: https, key, cert },
    webadmin: { enable: false },
    store: { path: join(folder, 'data') },
    ...more,
  });
  print.mockRestore();
  logger.log = () => undefined; // it tells every refusal
  before(nms);
  await runNodeMediaServer(nms);
  return {
    nms,
    rtmp,
    rtmps,
    http,
    https,
    stop: async () => {
      await nms.stop();
      nms.httpServer.httpServer.closeAllConnections();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
