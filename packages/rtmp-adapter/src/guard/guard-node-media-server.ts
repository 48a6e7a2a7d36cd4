import type { EventEmitter } from 'node:events';
import { badOption, checkOptions } from '@stream-sessions/core/spi';
import { emitterOf, isVersion2, type NodeMediaServer } from '../nms/media-server.js';
import { guardDoor } from './doorstep.js';
import { filterHttp, PATHS_2, PATHS_4 } from './http-filter.js';
import { shieldRelays, type RelayTasks } from './relay-shield.js';
import type { Limits } from './shield-socket.js';

/** Options of `guardNodeMediaServer()`. */
export interface GuardOptions {
  /**
   * An RTMP connection that has not asked to play or to publish after so many milliseconds is closed. Default 15_000;
   * 0 = never.
   */
  startTimeoutMs?: number;
  /** The longest RTMP message a publisher may send, in bytes: one frame. Default 8 MiB. */
  maxMessageBytes?: number;
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
}

interface Parser {
  readonly flv?: { parserData?: (this: object, data: Buffer) => unknown };
}

const guards = new WeakMap<NodeMediaServer, { users: number; undo: () => void }>();

/**
 * Keeps node-media-server alive: a malformed `connect`, a play without a name, `/live/a%20b.flv` and other things that a
 * stranger can send end their connection and not your process, and nobody takes its memory without playing or publishing.
 * `attachRtmp` does it by default. Several calls share one guard, with the options of the first.
 *
 * @returns a function that takes the guard away; harmless twice
 * @throws StreamSessionsError ERR_BAD_OPTION, ERR_BAD_SERVER
 */
export function guardNodeMediaServer(nms: NodeMediaServer, options: GuardOptions = {}): () => void {
  checkOptions('guardNodeMediaServer()', options, ['startTimeoutMs', 'maxMessageBytes']);
  const { startTimeoutMs = 15_000, maxMessageBytes = 8 * 1024 * 1024 } = options;
  if (!(startTimeoutMs >= 0)) throw badOption('startTimeoutMs', 'milliseconds, 0 or more', startTimeoutMs);
  if (!(maxMessageBytes >= 65_536)) throw badOption('maxMessageBytes', 'bytes, at least 65536', maxMessageBytes);
  const emitter = emitterOf(nms, 'guardNodeMediaServer()');
  let guard = guards.get(nms);
  if (guard === undefined) {
    guards.set(nms, (guard = { users: 0, undo: install(nms, emitter, { startTimeoutMs, maxMessageBytes }) }));
  }
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

function install(nms: NodeMediaServer, emitter: EventEmitter, limits: Limits): () => void {
  const parts = nms as unknown as Parts;
  const undo: (() => void)[] = [];
  if (!isVersion2(nms)) {
    undo.push(guardServers(parts.rtmpServer, limits), guardHttp(parts.httpServer, PATHS_4), guardFlvInput(emitter));
    undo.push(shieldRelays(parts.relayServer));
  } else if (parts.nrs ?? parts.nhs) {
    undo.push(guardServers(parts.nrs, limits), guardHttp(parts.nhs, PATHS_2));
  } else {
    // 2 makes its servers only when it runs.
    const original = parts.run;
    const run = function (this: unknown): unknown {
      const result = original?.call(this);
      undo.push(guardServers(parts.nrs, limits), guardHttp(parts.nhs, PATHS_2));
      return result;
    };
    parts.run = run;
    undo.push(() => {
      if (parts.run === run) delete parts.run;
    });
  }
  return () => undo.splice(0).forEach((each) => each());
}

function guardServers(servers: RtmpServers | undefined, limits: Limits): () => void {
  const { tcpServer, tlsServer } = servers ?? {};
  const undo = [
    tcpServer && guardDoor(tcpServer, 'connection', limits),
    tlsServer && guardDoor(tlsServer, 'secureConnection', limits),
  ];
  return () => undo.forEach((each) => each?.());
}

function guardHttp(servers: HttpServers | undefined, paths: typeof PATHS_4): () => void {
  const all = [servers?.httpServer, servers?.httpsServer].filter((server) => server !== undefined);
  const undo = all.map((server) => filterHttp(server, paths));
  return () => undo.forEach((each) => each());
}

/** Media that is posted over HTTP or WebSocket: what its parser throws becomes the error that it should have returned. */
function guardFlvInput(emitter: EventEmitter): () => void {
  const onPublish = ({ flv }: Parser): void => {
    const parse = flv?.parserData;
    if (flv === undefined || parse === undefined || Object.hasOwn(flv, 'parserData')) return;
    flv.parserData = (data) => {
      try {
        return parse.call(flv, data);
      } catch (error) {
        return error instanceof Error ? error.message : String(error);
      }
    };
  };
  emitter.prependListener('prePublish', onPublish);
  return () => emitter.off('prePublish', onPublish);
}
