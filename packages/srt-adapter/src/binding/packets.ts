import { PACKET_BYTES } from './constants.js';

/** Publishers may be configured for packets that are too large for players. */
export function* inPackets(data: Uint8Array): Generator<Uint8Array> {
  for (let at = 0; at < data.length; at += PACKET_BYTES) yield data.subarray(at, at + PACKET_BYTES);
}
