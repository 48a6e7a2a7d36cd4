import { PACKET_BYTES } from '../binding/constants.js';

/** Room for a second at 2 Mbit/s: verdicts take less. */
const MAX_PACKETS = Math.floor((256 * 1024) / PACKET_BYTES);

/**
 * What a publisher sends while somebody decides about it. It may be a stranger: when it sends more than there is room for,
 * nothing is kept of it, and its stream begins where it is let in.
 */
export class HeldMedia {
  private packets: Buffer[] | undefined = [];

  add(packet: Uint8Array): void {
    if (this.packets === undefined) return;
    if (this.packets.length < MAX_PACKETS) this.packets.push(Buffer.from(packet));
    else this.packets = undefined;
  }

  giveBack(take: (packet: Uint8Array) => void): void {
    this.packets?.forEach(take);
  }
}
