import type { SrtSocket } from '../binding/binding.js';

/** Long enough for a client to notice that it is connected. */
const FAREWELL_MS = 100;

/**
 * Callers that were refused: they hear nothing, and are hung up on a moment later. To be hung up on in the very moment of
 * its connection is more than srt-live-transmit can bear: now and then it spins for ever then, instead of ending.
 */
export class RejectedSockets {
  private readonly leaving = new Map<SrtSocket, NodeJS.Timeout>();

  add(socket: SrtSocket): void {
    socket.onClose(() => this.gone(socket));
    socket.read(() => undefined); // what it still sends must not pile up
    const hangUp = (): void => {
      this.leaving.delete(socket);
      socket.close();
    };
    this.leaving.set(socket, setTimeout(hangUp, FAREWELL_MS));
  }

  get count(): number {
    return this.leaving.size;
  }

  /** Without waiting any longer. */
  hangUp(): void {
    for (const socket of this.leaving.keys()) {
      this.gone(socket);
      socket.close();
    }
  }

  private gone(socket: SrtSocket): void {
    clearTimeout(this.leaving.get(socket));
    this.leaving.delete(socket);
  }
}
