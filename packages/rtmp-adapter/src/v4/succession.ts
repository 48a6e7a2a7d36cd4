import { givesWay } from '../client/silence-counters.js';
import type { Seat } from './seat.js';
import type { V4Session } from './shapes.js';

/**
 * Somebody comes to publish where the publisher is silent. The server would refuse it: it is let in instead, takes the place if
 * the tracker admits it, and gives it back if not.
 */
export class Succession {
  private isOpen = true;

  /** Undefined when nobody has to give way. */
  static of(session: V4Session, seats: ReadonlyMap<V4Session, Seat>): Succession | undefined {
    const { publisher } = session.broadcast;
    const seat = publisher === null || publisher === session ? undefined : seats.get(publisher);
    return publisher && seat && givesWay(seat.connection) ? new Succession(session, publisher, seat, seats) : undefined;
  }

  private constructor(
    private readonly session: V4Session,
    private readonly old: V4Session,
    private readonly seat: Seat,
    private readonly seats: ReadonlyMap<V4Session, Seat>,
  ) {
    session.broadcast.publisher = null;
  }

  /** The new one is admitted. */
  complete(): void {
    if (!this.isOpen) return;
    this.isOpen = false;
    if (this.seats.get(this.old) === this.seat) this.seat.connection.close('replaced', true);
  }

  /** It is not, or has left. Harmless when it was. */
  undo(): void {
    if (!this.isOpen) return;
    this.isOpen = false;
    const { broadcast } = this.session;
    const isFree = broadcast.publisher === null || broadcast.publisher === this.session;
    if (!isFree || this.seats.get(this.old) !== this.seat) return;
    this.session.isPublisher = false;
    broadcast.publisher = this.old;
  }
}
