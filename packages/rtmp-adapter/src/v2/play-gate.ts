import { Gate } from './gate.js';
import type { V2Session } from './shapes.js';

const gates = new WeakMap<V2Session, PlayGate>();

/** Keeps a player from joining its publisher: nothing is buffered, and playback begins with the latest key frame. */
export class PlayGate extends Gate {
  private wanted = false;

  static of(session: V2Session): PlayGate {
    let gate = gates.get(session);
    if (gate === undefined) gates.set(session, (gate = new PlayGate(session)));
    return gate;
  }

  private constructor(private readonly session: V2Session) {
    super();
  }

  private get socket(): { destroy(): unknown } {
    return this.session.TAG === 'rtmp' ? this.session.socket : this.session.req.socket;
  }

  /** The server lets it play, now or once somebody publishes; false if the server itself has refused it. */
  get isAccepted(): boolean {
    return this.session.isStarting && (this.wanted || this.session.isIdling);
  }

  protected override close(): void {
    this.wanted = false;
    this.session.onStartPlay = () => {
      this.wanted = true;
    };
  }

  protected override drop(): void {
    this.wanted = false;
  }

  protected override open(): void {
    delete this.session.onStartPlay;
    if (!this.wanted || !this.session.isStarting) return;
    try {
      (this.session as Required<V2Session>).onStartPlay();
    } catch {
      // The publisher has left meanwhile, so there is nothing to join. The player may come again.
      this.socket.destroy();
    }
  }
}
