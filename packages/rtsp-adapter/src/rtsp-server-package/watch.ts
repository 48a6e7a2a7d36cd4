import type { Socket } from 'node:net';
import { Silence } from '../server/silence.js';

/** The usual session timeout (RFC 2326 §12.37), because the one that the app announced is unknown here. */
const SESSION_TIMEOUT_MS = 60_000;
const LOOK_EVERY_MS = 1_000;
const PUBLISHES = { isActive: true, hasToBeHeard: true } as const;

/**
 * Hangs up on a client that publishes over its connection once nothing more arrives, since a frozen machine does not close it.
 * Over UDP, only the app receives from a publisher, so this begins with the first media that arrives over the connection.
 *
 * @returns a function that ends the watch
 */
export function watchPublisher(socket: Socket): () => void {
  let timer: NodeJS.Timeout | undefined;
  const begin = (): void => {
    const silence = new Silence(socket, SESSION_TIMEOUT_MS, Date.now());
    let { bytesRead } = socket;
    timer = setInterval(() => {
      const wasHeard = socket.bytesRead > bytesRead;
      bytesRead = socket.bytesRead;
      if (silence.look(Date.now(), wasHeard, PUBLISHES)) socket.destroy();
    }, LOOK_EVERY_MS).unref();
  };
  socket.once('interleaved', begin);
  return () => {
    socket.off('interleaved', begin);
    clearInterval(timer);
  };
}
