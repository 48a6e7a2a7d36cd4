import { PACKET_BYTES } from '../binding/constants.js';

/** Room for a second at 2 Mbit/s: verdicts take less time. */
const MAX_PACKETS = Math.floor((256 * 1024) / PACKET_BYTES);

/**
 * What a publisher sends while its verdict is pending. It may be a stranger: if it sends more than there is room for, nothing is
 * kept, and its stream begins when it is admitted.
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
