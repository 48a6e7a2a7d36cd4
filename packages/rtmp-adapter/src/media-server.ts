import type { EventEmitter } from 'node:events';
import { StreamSessionsError } from '@stream-sessions/core';

/** node-media-server 4 or 2, as far as the adapter needs to know it: anything with its `on`. */
export interface NodeMediaServer {
  on(event: string, listener: (...args: never[]) => void): unknown;
}

const noMediaServer = (what: string): StreamSessionsError =>
  new StreamSessionsError(
    'ERR_BAD_SERVER',
    `${what} needs a running or future server: \`new NodeMediaServer(config)\` of node-media-server 4.4 or 2.7 (npm install node-media-server).`,
  );

/**
 * Where the server tells its events. It has an `on` and no `off`, and its emitter is no part of it: the emitter is asked
 * itself, for `newListener` listeners are called with it.
 *
 * @throws StreamSessionsError ERR_BAD_SERVER when this is no node-media-server
 */
export function emitterOf(nms: NodeMediaServer, what: string): EventEmitter {
  const found: EventEmitter[] = [];
  const catcher = function (this: EventEmitter): void {
    found.push(this);
  };
  const nothing = (): void => undefined;
  if (typeof (nms as Partial<NodeMediaServer> | undefined)?.on !== 'function') throw noMediaServer(what);
  nms.on('newListener', catcher);
  nms.on('stream-sessions', nothing);
  const [emitter] = found;
  if (typeof emitter?.off !== 'function') throw noMediaServer(what);
  emitter.off('newListener', catcher);
  emitter.off('stream-sessions', nothing);
  return emitter;
}

/** 2 finds sessions by id; 4 hands them over with its events. */
export const isVersion2 = (nms: NodeMediaServer): boolean =>
  typeof (nms as { getSession?: unknown }).getSession === 'function';
