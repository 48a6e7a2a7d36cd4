import type { EventEmitter } from 'node:events';
import type { TransportConnection } from '@stream-sessions/core/spi';
import type { Role } from './client.js';
import type { Broadcast, V4Session } from './shapes.js';

/** The place of a client at the stream that it plays or publishes, until the client has gone, whichever way. */
export class Seat {
  private readonly broadcast: Broadcast;

  constructor(
    private readonly session: V4Session,
    private readonly role: Role,
    readonly connection: TransportConnection,
  ) {
    this.broadcast = session.broadcast;
    // Before the server hears of it: whose place this was must be known by then.
    this.line.prependListener('close', this.onClose);
  }

  /** Stops hearing of the client's end. */
  deafen(): void {
    this.line.off('close', this.onClose);
  }

  /** Gives the place back, which the server would keep for a client that has left it for another stream. */
  vacateServer(): void {
    if (this.role === 'input') this.broadcast.donePublish(this.session);
    else this.broadcast.subscribers.delete(this.session.id);
    this.broadcast._destroyIfEmpty?.();
  }

  private get line(): EventEmitter {
    return this.session.protocol === 'rtmp' ? this.session.socket : this.session.res;
  }

  private readonly onClose = (): void => {
    this.connection.close();
    // A response can end before its socket; the server forgets its player only with that.
    this.session.broadcast.subscribers.delete(this.session.id);
  };
}
