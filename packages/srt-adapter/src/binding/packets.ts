import { PACKET_BYTES } from './constants.js';

/** Publishers may be set to packets for which players have no room. */
export function* inPackets(data: Uint8Array): Generator<Uint8Array> {
  for (let at = 0; at < data.length; at += PACKET_BYTES) yield data.subarray(at, at + PACKET_BYTES);
}
