import type { SrtSocket } from '../binding/binding.js';

/** Long enough for a client to notice that it is connected. Milliseconds. */
const FAREWELL_MS = 100;

/**
 * Refused callers: they receive nothing, and are disconnected a moment later. srt-live-transmit cannot cope with being
 * disconnected at the very moment of connecting: occasionally it then spins for ever instead of exiting.
 */
export class RejectedSockets {
  private readonly leaving = new Map<SrtSocket, NodeJS.Timeout>();

  add(socket: SrtSocket): void {
    socket.onClose(() => this.gone(socket));
    socket.read(() => undefined); // whatever it still sends must not pile up
    const hangUp = (): void => {
      this.leaving.delete(socket);
      socket.close();
    };
    this.leaving.set(socket, setTimeout(hangUp, FAREWELL_MS));
  }

  get count(): number {
    return this.leaving.size;
  }

  /** Disconnects them without waiting any longer. */
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
