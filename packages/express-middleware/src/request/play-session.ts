import type { IncomingMessage } from 'node:http';
import type { Handle, PlaySession } from '@stream-sessions/core';
import type { PlaybackRequest } from '../connect.js';
import { expressRequest } from '../response/express-prototype.js';
import { findRecent } from '../response/response-queue.js';

declare module 'http' {
  interface IncomingMessage {
    /**
     * The viewer's session, after `trackPlayback()` or `trackStream()`: a copy, made on access. Undefined if it is not tracked.
     */
    readonly playSession?: PlaySession | undefined;
  }
}
declare module 'http2' {
  interface Http2ServerRequest {
    /**
     * The viewer's session, after `trackPlayback()` or `trackStream()`: a copy, made on access. Undefined if it is not tracked.
     */
    readonly playSession?: PlaySession | undefined;
  }
}

const offered = new WeakSet<object>();

/** Defines `playSession` on the request. Nothing is copied until it is read. */
export function offerPlaySession(req: PlaybackRequest, handle: Handle): void {
  const express = expressRequest(req);
  if (express === undefined) {
    Object.defineProperty(req, 'playSession', { configurable: true, get: () => handle.session });
  } else if (!offered.has(express)) {
    offered.add(express);
    Object.defineProperty(express, 'playSession', { configurable: true, get: ofExpress });
  }
}

function ofExpress(this: IncomingMessage): PlaySession | undefined {
  return findRecent(this.socket, this)?.observers?.handle.session;
}
