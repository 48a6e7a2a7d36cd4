import type { EventEmitter } from 'node:events';
import { StreamSessionsError } from '@stream-sessions/core';

/** The part of node-media-server 4 or 2 that the adapter needs: anything with its `on`. */
export interface NodeMediaServer {
  on(event: string, listener: (...args: never[]) => void): unknown;
}

const noMediaServer = (what: string): StreamSessionsError =>
  new StreamSessionsError(
    'ERR_BAD_SERVER',
    `${what} needs a running or future server: \`new NodeMediaServer(config)\` of node-media-server 4.4 or 2.7 (npm install node-media-server).`,
  );

/**
 * Finds the emitter of the server's events. The server has `on` but no `off`, and does not expose its emitter, so that is
 * obtained through a `newListener` listener, which is called with it.
 *
 * @throws StreamSessionsError ERR_BAD_SERVER if this is not a node-media-server
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

/** Version 2 finds sessions by id; version 4 passes them with its events. */
export const isVersion2 = (nms: NodeMediaServer): boolean =>
  typeof (nms as { getSession?: unknown }).getSession === 'function';
