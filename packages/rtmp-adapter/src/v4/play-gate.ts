import type { Broadcast, V4Session } from './shapes.js';

const gates = new WeakMap<V4Session, PlayGate>();

/**
 * Sits between the server and one player. It is held while a verdict is pending, shut after a cut, and bounds what waits for a
 * slow player. Nothing is queued: what was missed is made up for by what the server itself keeps for newcomers, the headers and
 * everything since the latest key frame.
 */
export class PlayGate {
  private users = 0;
  private holds = 0;
  private shut = false;
  private full = false;
  private isAbandoned = false;
  /** Media is sent while no more than this is waiting; if negative, none is sent. This is all that is read for every packet. */
  private limit: number;
  private readonly original: V4Session['sendBuffer'];
  private readonly own: V4Session['sendBuffer'];

  /** The gate of this session, shared by all attachments to the server. Call `leave` when done. */
  static enter(session: V4Session, outlet: { readonly writableLength: number }, maxBufferBytes: number): PlayGate {
    let gate = gates.get(session);
    if (gate === undefined) gates.set(session, (gate = new PlayGate(session, outlet, maxBufferBytes)));
    gate.users++;
    gate.renew();
    return gate;
  }

  private constructor(
    private readonly session: V4Session,
    private readonly outlet: { readonly writableLength: number },
    private readonly maxBufferBytes: number,
  ) {
    this.limit = maxBufferBytes;
    const original = (this.original = session.sendBuffer);
    this.own = (buffer) => {
      if (outlet.writableLength <= this.limit) original(buffer);
      else this.miss();
    };
    session.sendBuffer = this.own;
  }

  hold(): void {
    this.holds++;
    this.limit = -1;
  }

  release(): void {
    if (--this.holds > 0 || this.shut) return;
    this.isAbandoned = false;
    this.limit = this.maxBufferBytes;
    this.full = false;
    this.catchUp(true);
  }

  /** Ends a hold without a verdict: nothing is sent until the session plays again. */
  abandon(): void {
    this.holds--;
    this.isAbandoned = true;
    this.limit = -1;
  }

  private renew(): void {
    if (!this.isAbandoned || this.holds > 0 || this.shut) return;
    this.isAbandoned = false;
    this.full = false;
    this.limit = this.maxBufferBytes;
  }

  /** Shuts the gate for good: nothing is sent any more. */
  close(): void {
    this.shut = true;
    this.limit = -1;
  }

  leave(): void {
    if (--this.users > 0 || this.shut || this.isAbandoned) return;
    gates.delete(this.session);
    if (this.session.sendBuffer === this.own) this.session.sendBuffer = this.original;
  }

  /** Drops a packet: nothing may be sent, or too much is already waiting. */
  private miss(): void {
    if (this.holds > 0 || this.shut || this.isAbandoned) return;
    if (!this.full) {
      this.full = true;
      this.limit = -1;
    } else if (this.outlet.writableLength <= this.maxBufferBytes / 2) {
      this.full = false;
      this.limit = this.maxBufferBytes;
      this.catchUp(false); // including this packet, which the server has already stored there
    }
  }

  private catchUp(fromTheStart: boolean): void {
    for (const buffer of forNewcomers(this.session, fromTheStart)) this.original(buffer);
  }
}

function* forNewcomers({ protocol, broadcast: kept }: V4Session, withHeader: boolean): Generator<Buffer> {
  const heads = protocol === 'flv' ? flvHeads(kept, withHeader) : rtmpHeads(kept);
  for (const head of heads) if (head !== null) yield head;
  yield* (protocol === 'flv' ? kept.flvGopCache : kept.rtmpGopCache) ?? [];
}

const flvHeads = (kept: Broadcast, withHeader: boolean): (Buffer | null)[] => [
  withHeader ? kept.flvHeader : null,
  kept.flvMetaData,
  kept.flvAudioHeader,
  kept.flvVideoHeader,
];

const rtmpHeads = (kept: Broadcast): (Buffer | null)[] => [
  kept.rtmpMetaData,
  kept.rtmpAudioHeader,
  kept.rtmpVideoHeader,
];
