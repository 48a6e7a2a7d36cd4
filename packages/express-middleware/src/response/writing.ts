import type { Socket } from 'node:net';
import type { PlaybackResponse } from '../connect.js';

/** `write` and `end` of a response, as they are called from below. */
export interface Writing {
  write: (this: PlaybackResponse, chunk: unknown, encoding?: unknown, callback?: unknown) => boolean;
  end: (this: PlaybackResponse, chunk?: unknown, encoding?: unknown, callback?: unknown) => PlaybackResponse;
}

/** HTTP/1: what Node calls when a response has been sent and the socket is free for the next one. */
export interface Detaching {
  detachSocket: (this: PlaybackResponse, socket: Socket) => void;
}
