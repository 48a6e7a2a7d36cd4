import type { Socket } from 'node:net';
import type { PlaybackResponse } from '../connect.js';
import type { BodyCounter } from './body-counter.js';
import type { Detaching, Writing } from './writing.js';

/**
 * `original`, additionally counting for the response's counter, if it has one. One pair serves any number of responses.
 * `original` is read at the time of each call, since somebody may still wrap it. A response with a speed limit has a gate, which
 * releases its bytes over time.
 */
export function counted(original: Writing, bodyOf: (res: PlaybackResponse) => BodyCounter | undefined): Writing {
  return {
    write(chunk, encoding, callback) {
      const body = bodyOf(this);
      if (body === undefined || body.complete) return original.write.call(this, chunk, encoding, callback);
      return (body.gate ?? body).write(original, chunk, encoding, callback);
    },
    end(chunk, encoding, callback) {
      const body = bodyOf(this);
      if (body === undefined || body.complete) return original.end.call(this, chunk, encoding, callback);
      (body.gate ?? body).end(original, chunk, encoding, callback);
      return this;
    },
  };
}

/** `original`, additionally reporting that the response has been sent. */
export function finishing(original: Detaching, finish: (socket: Socket, res: PlaybackResponse) => void): Detaching {
  return {
    detachSocket(socket) {
      finish(socket, this);
      return original.detachSocket.call(this, socket);
    },
  };
}
