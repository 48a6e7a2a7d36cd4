import type { EventEmitter } from 'node:events';
import { checkBytes, checkOptions, checkTimeout } from '@stream-sessions/core/spi';
import { emitterOf, isVersion2, type NodeMediaServer } from '../media-server.js';
import { guardHandshakes } from './handshake-guard.js';
import { filterHttp, PATHS_2, PATHS_4, type FlvPaths, type WebSocketServer } from './http-filter.js';
import type { Limits } from './limits.js';
import { guardRelays, type RelayTasks } from './relay-guard.js';
import { guardFlv2, standings2 } from './server-2.js';
import { guardFlv4, standings4 } from './server-4.js';
import type { Standings } from './standing.js';
import type { NodeMediaServer2 } from '../v2/shapes.js';

/** Options of `guardNodeMediaServer()`. */
export interface GuardOptions {
  /** An RTMP connection that has not asked to play or publish by then is closed. Milliseconds; default 15_000; 0 = never. */
  startTimeoutMs?: number | undefined;
  /** The longest message or FLV tag that a publisher may send, in bytes: one frame. Default 8 MiB. */
  maxMessageBytes?: number | undefined;
  /**
   * How much of a stream the server may keep for newcomers, in bytes: everything since the latest key frame. Beyond it, that
   * is dropped, and newcomers wait for the next key frame. Default 32 MiB. Raise it for long intervals at high bitrates.
   */
  maxGopBytes?: number | undefined;
}

interface Parts {
  run?: () => unknown;
  readonly rtmpServer?: RtmpServers;
  readonly httpServer?: HttpServers;
  readonly relayServer?: RelayTasks;
  readonly nrs?: RtmpServers;
  readonly nhs?: HttpServers;
}
interface RtmpServers {
  readonly tcpServer?: EventEmitter;
  readonly tlsServer?: EventEmitter;
}
interface HttpServers {
  readonly httpServer?: EventEmitter;
  readonly httpsServer?: EventEmitter;
  readonly wsServer?: WebSocketServer;
  readonly wssServer?: WebSocketServer;
}

const MIB = 1024 * 1024;

const guards = new WeakMap<NodeMediaServer, { users: number; undo: () => void }>();

/**
 * Keeps node-media-server alive: a malformed `connect`, a play without a name, `/live/a%20b.flv` and other input from strangers
 * end the connection instead of your process, and nobody can fill its memory without playing or publishing. `attachRtmp` does
 * this by default. Several calls share one guard, with the options of the first.
 *
 * @returns an idempotent function that removes the guard
 * @throws StreamSessionsError ERR_BAD_OPTION, ERR_BAD_SERVER
 */
export function guardNodeMediaServer(nms: NodeMediaServer, options: GuardOptions = {}): () => void {
  const limits = limitsOf(options);
  const emitter = emitterOf(nms, 'guardNodeMediaServer()');
  let guard = guards.get(nms);
  if (guard === undefined) guards.set(nms, (guard = { users: 0, undo: install(nms, emitter, limits) }));
  guard.users++;
  let left = false;
  return () => {
    if (left) return;
    left = true;
    if (guard.users-- > 1) return;
    guard.undo();
    guards.delete(nms);
  };
}

/** @throws StreamSessionsError ERR_BAD_OPTION */
function limitsOf(options: GuardOptions): Limits {
  checkOptions('guardNodeMediaServer()', options, ['startTimeoutMs', 'maxMessageBytes', 'maxGopBytes']);
  const { startTimeoutMs = 15_000, maxMessageBytes = 8 * MIB, maxGopBytes = 32 * MIB } = options;
  checkTimeout('startTimeoutMs', startTimeoutMs);
  checkBytes('maxMessageBytes', maxMessageBytes, 65_536);
  checkBytes('maxGopBytes', maxGopBytes, 65_536);
  return { startTimeoutMs, maxMessageBytes, maxGopBytes };
}

function install(nms: NodeMediaServer, emitter: EventEmitter, limits: Limits): () => void {
  const parts = nms as unknown as Parts;
  const undo: (() => void)[] = [];
  if (!isVersion2(nms)) {
    const standings = standings4(emitter, limits);
    undo.push(...guardServers(parts.rtmpServer, limits, standings), guardFlv4(emitter, limits));
    undo.push(...guardHttp(parts.httpServer, PATHS_4, limits), guardRelays(parts.relayServer));
    return () => undo.splice(0).forEach((each) => each());
  }
  const nms2 = nms as NodeMediaServer2;
  const standings = standings2(nms2, emitter, limits);
  undo.push(guardFlv2(nms2, emitter));
  const guardParts = (): void => {
    undo.push(...guardServers(parts.nrs, limits, standings), ...guardHttp(parts.nhs, PATHS_2, limits));
  };
  if (parts.nrs ?? parts.nhs) guardParts();
  else {
    // Version 2 creates its servers only when it runs.
    const original = parts.run;
    const run = function (this: unknown): unknown {
      const result = original?.call(this);
      guardParts();
      return result;
    };
    parts.run = run;
    undo.push(() => {
      if (parts.run === run) delete parts.run;
    });
  }
  return () => undo.splice(0).forEach((each) => each());
}

function guardServers(servers: RtmpServers | undefined, limits: Limits, standings: Standings): (() => void)[] {
  const { tcpServer, tlsServer } = servers ?? {};
  const handshakes = (server: EventEmitter | undefined, event: string): (() => void)[] =>
    server ? [guardHandshakes(server, event, limits, standings.of)] : [];
  return [
    ...handshakes(tcpServer, 'connection'),
    ...handshakes(tlsServer, 'secureConnection'),
    () => standings.remove(),
  ];
}

function guardHttp(servers: HttpServers | undefined, paths: FlvPaths, { maxMessageBytes }: Limits): (() => void)[] {
  const { httpServer, httpsServer, wsServer, wssServer } = servers ?? {};
  const filter = (server: EventEmitter | undefined, ws: WebSocketServer | undefined): (() => void)[] =>
    server ? [filterHttp(server, paths, ws, maxMessageBytes)] : [];
  return [...filter(httpServer, wsServer), ...filter(httpsServer, wssServer)];
}
