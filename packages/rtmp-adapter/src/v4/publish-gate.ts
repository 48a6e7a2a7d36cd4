import { isWebSocket, type Packet, type V4Session } from './shapes.js';

/** Bytes of a publisher's media that may wait for its verdict; beyond this, the publisher is no longer read. */
const MAX_WAITING = 1024 * 1024;

const gates = new WeakMap<V4Session, PublishGate>();

/** Sits between a publisher and its players while a verdict is pending. Shared by all attachments to the server. */
export class PublishGate {
  private holds = 0;
  private shut = false;
  private waiting: Packet[] = [];
  private bytes = 0;
  private paused = false;
  private isAbandoned = false;
  private readonly original: V4Session['onPacket'];

  static of(session: V4Session): PublishGate {
    let gate = gates.get(session);
    if (gate === undefined) gates.set(session, (gate = new PublishGate(session)));
    return gate;
  }

  private constructor(private readonly session: V4Session) {
    this.original = session.onPacket;
  }

  hold(): void {
    if (this.holds++ === 0) this.deliverTo((packet) => this.keep(packet));
  }

  release(): void {
    if (--this.holds > 0 || this.shut) return;
    this.deliverTo(this.original);
    for (const packet of this.waiting) this.original(packet);
    this.forget();
  }

  /** Ends a hold without a verdict: what waits is dropped, and what follows, until the session publishes again. */
  abandon(): void {
    if (--this.holds > 0 || this.shut) return;
    this.isAbandoned = true;
    this.deliverTo(() => undefined);
    this.forget();
  }

  /** The session publishes again. */
  static renew(session: V4Session): void {
    const gate = gates.get(session);
    if (gate?.isAbandoned !== true || gate.holds > 0 || gate.shut) return;
    gate.isAbandoned = false;
    gate.deliverTo(gate.original);
  }

  /** Shuts the gate for good: its players get nothing from it. */
  close(): void {
    this.shut = true;
    this.deliverTo(() => undefined);
    this.forget();
  }

  private keep(packet: Packet): void {
    // The parser reuses its buffer for the next packet.
    const copy = Object.assign(Object.create(Object.getPrototypeOf(packet) as object) as Packet, packet, {
      data: Buffer.from(packet.data.subarray(0, packet.size)),
    });
    this.waiting.push(copy);
    this.bytes += packet.size + 100;
    if (this.bytes > MAX_WAITING && !this.paused) {
      this.paused = true;
      source(this.session).pause();
    }
  }

  private forget(): void {
    this.waiting = [];
    this.bytes = 0;
    if (this.paused) source(this.session).resume();
    this.paused = false;
  }

  /** FLV sessions read `onPacket` once, after the event; RTMP sessions have already read it. */
  private deliverTo(onPacket: V4Session['onPacket']): void {
    const { session } = this;
    session.onPacket = onPacket;
    if (session.protocol === 'rtmp') session.rtmp.onPacketCallback = onPacket;
    else session.flv.onPacketCallback = onPacket;
  }
}

function source(session: V4Session): { pause(): void; resume(): void } {
  if (session.protocol === 'rtmp') return session.socket;
  return isWebSocket(session.res) ? session.res : session.req;
}
