/**
 * Each track has two components, as a connection has channels: `2 * track` is its RTP, `2 * track + 1` its RTCP. What a publisher
 * sends is told by component; on which channel or port it goes out is up to each player.
 */
export const rtpComponent = (track: number): number => 2 * track;
export const isRtcp = (component: number): boolean => (component & 1) === 1;

/** The channels of a player on its connection: the one of each component, or none. Players with the same key share what is written. */
export class Layout {
  readonly key: string;

  constructor(readonly channels: readonly (number | undefined)[]) {
    this.key = channels.map((channel) => channel ?? '').join();
  }
}

const FRAME_HEAD_BYTES = 4;

/**
 * The packets that arrived in one turn of the event loop. A hundred players get each packet, but a system call for each would
 * cost more than all the rest: what came together is written together, and made only once for all players of one layout.
 */
export class Batch {
  readonly components: number[] = [];
  readonly packets: Buffer[] = [];
  bytes = 0;
  private readonly framed = new Map<string, Buffer>();

  add(component: number, packet: Buffer): void {
    this.components.push(component);
    this.packets.push(packet);
    this.bytes += packet.length;
  }

  /** As interleaved frames (RFC 2326 §10.12); empty when there is nothing for this layout. */
  framesFor(layout: Layout): Buffer {
    let frames = this.framed.get(layout.key);
    if (frames === undefined) this.framed.set(layout.key, (frames = this.frame(layout.channels)));
    return frames;
  }

  private frame(channels: Layout['channels']): Buffer {
    const { components, packets } = this;
    const out = Buffer.allocUnsafe(this.bytes + packets.length * FRAME_HEAD_BYTES);
    let at = 0;
    for (let i = 0; i < packets.length; i++) {
      const packet = packets[i] as Buffer;
      const channel = channels[components[i] as number];
      if (channel === undefined) continue;
      out[at] = 0x24;
      out[at + 1] = channel;
      out.writeUInt16BE(packet.length, at + 2);
      packet.copy(out, at + FRAME_HEAD_BYTES);
      at += FRAME_HEAD_BYTES + packet.length;
    }
    return out.subarray(0, at);
  }
}
