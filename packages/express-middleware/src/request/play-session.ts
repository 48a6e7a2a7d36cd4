import { IncomingMessage } from 'node:http';
import { Http2ServerRequest } from 'node:http2';
import type { PlaySession, RequestHandle } from '@stream-sessions/core';
import type { PlaybackRequest } from '../connect.js';

declare module 'http' {
  interface IncomingMessage {
    /** The viewer's session, behind `trackPlayback()`: a copy made when read. Undefined for what is not tracked. */
    readonly playSession?: PlaySession | undefined;
  }
}
declare module 'http2' {
  interface Http2ServerRequest {
    /** The viewer's session, behind `trackPlayback()`: a copy made when read. Undefined for what is not tracked. */
    readonly playSession?: PlaySession | undefined;
  }
}

const HANDLE = Symbol('stream-sessions.handle');
type Watched = { [HANDLE]?: RequestHandle };

const playSession: PropertyDescriptor & ThisType<Watched> = {
  configurable: true,
  get() {
    return this[HANDLE]?.session;
  },
};

/** Puts `playSession` on the request. Nothing is copied until somebody reads it. */
export function offerPlaySession(req: PlaybackRequest & Watched, handle: RequestHandle): void {
  req[HANDLE] = handle;
  if (!('playSession' in req)) Object.defineProperty(extensionPoint(req), 'playSession', playSession);
}

/** Defining it anew on each request would cost more than all look-ups: Express has an object for what all requests have. */
function extensionPoint(req: PlaybackRequest): object {
  let target: object = req;
  for (;;) {
    const prototype = Object.getPrototypeOf(target) as object | null;
    if (prototype === null || prototype === IncomingMessage.prototype || prototype === Http2ServerRequest.prototype) {
      return target;
    }
    target = prototype;
  }
}
