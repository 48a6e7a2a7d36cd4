import { once, type EventEmitter } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import NodeMediaServer from 'node-media-server-2';
import context from 'node-media-server-2/src/node_core_ctx.js';
import { runNodeMediaServer } from '../../src/index.js';
import { certificate } from './certificate.js';
import { freePorts } from '../../../../test/support/free-port.js';

export interface Server2 {
  readonly nms: NodeMediaServer;
  readonly rtmp: number;
  readonly rtmps: number;
  readonly http: number;
  stop(): Promise<void>;
}

const { nodeEvent } = context;
type Listener = (...args: unknown[]) => void;
const listenersOf = (emitter: EventEmitter): [string, Listener][] =>
  emitter
    .eventNames()
    .flatMap((event) =>
      emitter.listeners(event).map((each) => [String(event), each as Listener] as [string, Listener]),
    );

/** A running node-media-server 2 on ports of its own. It listens on all interfaces: it cannot do otherwise. */
export async function startServer2(
  before: (nms: NodeMediaServer) => void = () => undefined,
  more: object = {},
  portsChosen: (ports: Record<'rtmp' | 'rtmps' | 'http', number>) => unknown = () => undefined,
): Promise<Server2> {
  const [rtmp, rtmps, http] = (await freePorts(3)) as [number, number, number];
  await portsChosen({ rtmp, rtmps, http });
  const mediaroot = mkdtempSync(join(tmpdir(), 'rtmp-adapter-'));
  const ssl = { port: rtmps, ...certificate(mediaroot) };
  const nms = new NodeMediaServer({
    logType: 0,
    rtmp: { port: rtmp, chunk_size: 60_000, gop_cache: true, ping: 30, ping_timeout: 60, ssl },
    http: { port: http, mediaroot, allow_origin: '*', api: false },
    ...more,
  });
  before(nms);
  const listeners = listenersOf(nodeEvent);
  await runNodeMediaServer(nms);
  const own = listenersOf(nodeEvent).filter((each) => !listeners.some(([, known]) => known === each[1]));
  const { nhs, nrs } = nms as unknown as Record<'nhs' | 'nrs', Record<'httpServer' | 'tcpServer' | 'tlsServer', any>>;
  return {
    nms,
    rtmp,
    rtmps,
    http,
    stop: async () => {
      const closed = [nhs.httpServer, nrs.tcpServer, nrs.tlsServer].map((server) => once(server, 'close'));
      nms.stop();
      nhs.httpServer.closeAllConnections();
      await Promise.all(closed);
      // It listens to its own emitter, which all servers of a process share, and never takes that back.
      for (const [event, listener] of own) nodeEvent.off(event, listener);
      rmSync(mediaroot, { recursive: true, force: true });
    },
  };
}
