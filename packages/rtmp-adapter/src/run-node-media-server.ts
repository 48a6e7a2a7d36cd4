import type { EventEmitter } from 'node:events';
import { once } from 'node:events';
import { emitterOf, isVersion2, type NodeMediaServer } from './media-server.js';

type Listening = EventEmitter & { readonly listening: boolean };

/** The parts of both versions, under their names. */
interface Parts {
  run(): unknown;
  stop(): unknown;
  readonly store?: { readonly options?: { signals?: boolean } };
  readonly rtmpServer?: { readonly tcpServer?: Listening; readonly tlsServer?: Listening };
  readonly httpServer?: { readonly httpServer?: Listening; readonly httpsServer?: Listening } & WebSockets;
  readonly nrs?: { readonly tcpServer?: Listening; readonly tlsServer?: Listening };
  readonly nhs?: { readonly httpServer?: Listening; readonly httpsServer?: Listening } & WebSockets;
}

interface WebSockets {
  readonly wsServer?: EventEmitter;
  readonly wssServer?: EventEmitter;
}

/** For version 2: transcoding, relaying and forking through ffmpeg. */
const FEATURES = { nts: 'trans', nls: 'relay', nfs: 'fission' } as const;
const HELPERS = ['nts', 'nls', 'nfs'] as const;

const PROCESS_EVENTS = ['SIGINT', 'SIGTERM', 'uncaughtException'] as const;

/**
 * Starts node-media-server, but without what its own `run()` does to your process: no SIGINT and SIGTERM handlers that end
 * it before yours are done, no handler that swallows uncaught exceptions (version 2), no `process.exit` when a port is
 * taken. Call `nms.stop()` when your process ends.
 *
 * @returns when every configured port is listening
 * @throws the error of a port that cannot be opened, such as `EADDRINUSE`; the other ports are closed again by then, and
 *   the server cannot be used any more
 * @throws StreamSessionsError ERR_BAD_SERVER if this is not a node-media-server
 */
export async function runNodeMediaServer(nms: NodeMediaServer): Promise<void> {
  emitterOf(nms, 'runNodeMediaServer()');
  const parts = nms as unknown as Parts;
  if (parts.store?.options) parts.store.options.signals = false;
  const before = PROCESS_EVENTS.map((event) => new Set(process.listeners(event as 'SIGINT')));
  const uncaught = HELPERS.map((name) => catchFailure(parts, name));
  const running = parts.run();
  uncaught.forEach((undo) => undo());
  PROCESS_EVENTS.forEach((event, i) => {
    for (const listener of process.listeners(event as 'SIGINT')) {
      if (!before[i]?.has(listener)) process.removeListener(event, listener);
    }
  });
  const results = await Promise.allSettled([running, ...servers(parts, isVersion2(nms)).map(listens)]);
  const failure = results.find((result) => result.status === 'rejected');
  if (failure === undefined) return;
  await parts.stop();
  throw failure.reason;
}

/**
 * 2.7.4 calls missing functions when it starts these. The resulting rejections, which its handler for uncaught exceptions would
 * have swallowed, must not end the process. The helpers are created during `run()`, so they are caught as they are assigned.
 */
function catchFailure(parts: Parts, name: (typeof HELPERS)[number]): () => void {
  const set = (helper: { run(): unknown }): void => {
    Object.defineProperty(parts, name, { value: helper, writable: true, configurable: true, enumerable: true });
    const run = helper.run.bind(helper);
    helper.run = async () => {
      try {
        await run();
      } catch (error) {
        warn(`could not start all of "${FEATURES[name]}": ${String(error)}`);
      }
    };
  };
  Object.defineProperty(parts, name, { set, configurable: true });
  return () => {
    if (Object.getOwnPropertyDescriptor(parts, name)?.set === set) Reflect.deleteProperty(parts, name);
  };
}

function servers(parts: Parts, isV2: boolean): Listening[] {
  const rtmp = isV2 ? parts.nrs : parts.rtmpServer;
  const http = isV2 ? parts.nhs : parts.httpServer;
  // A WebSocket server re-emits every error of its HTTP server, and one without a listener ends the process.
  for (const ws of [http?.wsServer, http?.wssServer]) ws?.on('error', () => undefined);
  const all = [rtmp?.tcpServer, rtmp?.tlsServer, http?.httpServer, http?.httpsServer];
  return all.filter((server) => server !== undefined);
}

/** Resolves when it listens. The server's own reaction to a failure is to end the process: that is removed. */
async function listens(server: Listening): Promise<void> {
  if (server.listening) return;
  for (const listener of server.listeners('error')) {
    if (exits(listener)) server.off('error', listener as () => void);
  }
  await once(server, 'listening');
  // Nobody else listens for a connection that could not be accepted, so it would end the process.
  server.on('error', (error: Error) => warn(`has trouble with a port: ${error.message}`));
}

const exits = (listener: unknown): boolean => String(listener).includes('process.exit');

function warn(what: string): void {
  process.emitWarning(`node-media-server ${what}`, { code: 'STREAM_SESSIONS_SERVER_FAULT' });
}
