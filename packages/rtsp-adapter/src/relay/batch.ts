/**
 * Each track has two components, like the channels of a connection: `2 * track` is its RTP, `2 * track + 1` its RTCP. A
 * publisher's data is identified by component; the channel or port on which it goes out depends on each player.
 */
export const rtpComponent = (track: number): number => 2 * track;
export const isRtcp = (component: number): boolean => (component & 1) === 1;

/** A player's channel on its connection for each component, or none. Players with the same key share what is written. */
export class Layout {
  readonly key: string;

  constructor(readonly channels: readonly (number | undefined)[]) {
    this.key = channels.map((channel) => channel ?? '').join();
  }
}

const FRAME_HEAD_BYTES = 4;

/**
 * The packets that arrived in one turn of the event loop. A hundred players get each packet, and a system call for each would
 * cost more than everything else: packets that arrived together are written together, and serialised only once for all players
 * with the same layout.
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

  /** As interleaved frames (RFC 2326 §10.12); empty if there is nothing for this layout. */
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
