import type { Socket } from './shapes.js';

const gates = new WeakMap<Socket, SourceGate>();

/**
 * Sits between the server and a source that it pulls from while a verdict is pending: the source is not read. Shared by all
 * attachments to the server.
 */
export class SourceGate {
  private holds = 0;

  static enter(socket: Socket): SourceGate {
    let gate = gates.get(socket);
    if (gate === undefined) gates.set(socket, (gate = new SourceGate(socket)));
    return gate;
  }

  private constructor(private readonly socket: Socket) {}

  hold(): void {
    if (this.holds++ === 0) this.socket.pause();
  }

  release(): void {
    if (--this.holds === 0) this.socket.resume();
  }

  /** Shuts the gate for good: nothing comes in any more. */
  close(): void {
    this.hold();
  }

  leave(): void {
    // The socket is destroyed, and the gate with it.
  }
}
