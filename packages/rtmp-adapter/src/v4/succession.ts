import type { ConnectionSet, TransportConnection } from '@stream-sessions/core/spi';
import { givesWay } from '../client/silence-counters.js';
import type { V4Session } from './shapes.js';

type Connections = Pick<ConnectionSet<V4Session>, 'get'>;

/**
 * A client asks to publish where the current publisher is silent. The server would refuse it: it is let in instead, takes over
 * the place if the tracker admits it, and gives it back if not.
 */
export class Succession {
  private isOpen = true;

  /** Undefined if no publisher has to give way. */
  static of(session: V4Session, connections: Connections): Succession | undefined {
    const { publisher } = session.broadcast;
    const connection = publisher === null || publisher === session ? undefined : connections.get(publisher);
    return publisher && connection && givesWay(connection)
      ? new Succession(session, publisher, connection, connections)
      : undefined;
  }

  private constructor(
    private readonly session: V4Session,
    private readonly old: V4Session,
    private readonly connection: TransportConnection,
    private readonly connections: Connections,
  ) {
    session.broadcast.publisher = null;
  }

  /** The new publisher is admitted. */
  complete(): void {
    if (!this.isOpen) return;
    this.isOpen = false;
    if (this.connections.get(this.old) === this.connection) this.connection.close('replaced', true);
  }

  /** It is refused or has left. Has no effect after `complete`. */
  undo(): void {
    if (!this.isOpen) return;
    this.isOpen = false;
    const { broadcast } = this.session;
    const isFree = broadcast.publisher === null || broadcast.publisher === this.session;
    if (!isFree || this.connections.get(this.old) !== this.connection) return;
    this.session.isPublisher = false;
    broadcast.publisher = this.old;
  }
}
