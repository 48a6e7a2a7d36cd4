import type { Socket } from 'node:net';
import { Silence } from '../server/silence.js';

/** The usual session timeout (RFC 2326 §12.37): what the app told of its own is not known here. */
const SESSION_TIMEOUT_MS = 60_000;
const LOOK_EVERY_MS = 1_000;
const PUBLISHES = { isActive: true, hasToBeHeard: true } as const;

/**
 * Hangs up on who publishes over its connection when nothing comes any more: one whose machine is frozen says no goodbye. Over
 * UDP only the app hears a publisher, so this begins with the first media that comes over the connection.
 *
 * @returns what ends the watch
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
