import { inPackets } from '../binding/packets.js';
import { PACKET_BYTES } from '../binding/constants.js';
import type { RelayConnection } from './connection.js';

/** One stream: its publisher, and its viewers, including those that are waiting for it to begin. */
export class RelayStream {
  private publisher: RelayConnection | undefined = undefined;
  private readonly players = new Set<RelayConnection>();

  /** An encoder that lost its connection returns before the old one is known to be dead: the newest one counts. */
  publish(publisher: RelayConnection): void {
    const { publisher: old } = this;
    this.publisher = publisher;
    old?.end('replaced');
    publisher.take(this.relay);
  }

  play(player: RelayConnection): void {
    this.players.add(player);
  }

  leave(connection: RelayConnection): void {
    this.players.delete(connection);
    if (this.publisher === connection) this.publisher = undefined;
  }

  get isEmpty(): boolean {
    return this.publisher === undefined && this.players.size === 0;
  }

  private readonly relay = (packet: Uint8Array): void => {
    if (packet.length <= PACKET_BYTES) for (const player of this.players) player.give(packet);
    else for (const part of inPackets(packet)) for (const player of this.players) player.give(part);
  };
}
