import { Gate } from './gate.js';
import type { RtmpSession2, V2Session } from './shapes.js';

const MAX_WAITING = 1024 * 1024;
/** Audio, video and data messages. */
const MEDIA = new Set([8, 9, 15, 18]);

const gates = new WeakMap<V2Session, PublishGate>();

/** Holds the media of a publisher, within bounds, until it may have players. */
export class PublishGate extends Gate {
  private waiting: RtmpSession2['parserPacket'][] = [];
  private bytes = 0;
  private isAbandoned = false;

  static of(session: RtmpSession2): PublishGate {
    let gate = gates.get(session);
    if (gate === undefined) gates.set(session, (gate = new PublishGate(session)));
    return gate;
  }

  private constructor(private readonly session: RtmpSession2) {
    super();
  }

  protected override close(): void {
    const { session } = this;
    this.isAbandoned = false;
    const handle = session.rtmpHandler;
    session.rtmpHandler = () => (MEDIA.has(session.parserPacket.header.type) ? this.keep() : handle?.call(session));
  }

  protected override open(): void {
    const { waiting } = this;
    const session = this.session as Required<RtmpSession2>;
    delete this.session.rtmpHandler;
    const current = session.parserPacket;
    for (const message of waiting) {
      session.parserPacket = message;
      session.rtmpHandler();
    }
    session.parserPacket = current;
    this.waiting = [];
    if (this.bytes > MAX_WAITING) session.socket.resume();
    this.bytes = 0;
  }

  protected override drop(): void {
    this.isAbandoned = true;
    this.waiting = [];
    if (this.bytes > MAX_WAITING) this.session.socket.resume();
    this.bytes = 0;
  }

  private keep(): void {
    if (this.shut || this.isAbandoned) return;
    const { parserPacket: message, socket } = this.session;
    // The parser reuses its buffer for the next message.
    const payload = Buffer.from(message.payload?.subarray(0, message.header.length) ?? []);
    this.waiting.push({ ...message, header: { ...message.header }, payload });
    this.bytes += payload.length + 100;
    if (this.bytes > MAX_WAITING) socket.pause();
  }
}
