import type { Duplex } from 'node:stream';
import { denialStatus, denialText, destroyLater, type Responder } from '@stream-sessions/core/spi';

/** Sends an `onStatus` message on the stream that is playing or publishing. */
export type SendStatus = (level: 'status' | 'error', code: string, description: string) => void;

/** A refusal or kick over RTMP: a status with the reason, then the end. */
export function rtmpResponder(socket: Duplex, send: SendStatus, publishes: boolean): Responder {
  return {
    reject(denial) {
      const code = publishes ? 'NetStream.Publish.Denied' : 'NetStream.Play.Failed';
      if (socket.writable) send('error', code, `${denialStatus(denial)} ${denialText(denial)}`);
      socket.end();
      destroyLater(socket);
    },
    destroy(reason) {
      const code = publishes ? 'NetStream.Unpublish.Success' : 'NetStream.Play.Stop';
      uncorkAll(socket);
      // If media is still queued ahead of it, the message would arrive too late, after that media.
      if (socket.writable && socket.writableLength === 0) {
        send('status', code, reason);
        if (socket.writableLength > 0) return destroyLater(socket, 50);
      }
      socket.destroy();
    },
  };
}

/** Version 2 corks several packets together: they must be sent before this message. */
export function uncorkAll(socket: Duplex): void {
  while (socket.writableCorked > 0) socket.uncork();
}
