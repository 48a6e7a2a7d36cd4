import { normaliseAddress } from '@stream-sessions/core/spi';
import type { TransportOffer } from '../protocol/transport-header.js';
import { UdpPair } from './udp-pair.js';
import type { RelaySettings } from './options.js';
import type { Peer } from './peer.js';

/** How the media of one track travels. */
export type TrackTransport =
  | { readonly kind: 'tcp'; readonly channels: readonly [number, number] }
  | { readonly kind: 'udp'; readonly pair: UdpPair };

/** The transport of a track, and SETUP's response about it. */
export interface Agreed {
  readonly transport: TrackTransport;
  readonly header: string;
}

/** Ports below this belong to services: a client that claims one of them as its own is aiming at somebody else. */
const FIRST_UNPRIVILEGED_PORT = 1024;

/** Accepts the first suitable offer (RFC 2326 §12.39); undefined: 461. */
export async function agree(
  offers: readonly TransportOffer[],
  peer: Peer,
  settings: RelaySettings,
  isTaken: (channel: number) => boolean,
  onPacket: (isRtcp: boolean, packet: Buffer) => void,
): Promise<Agreed | undefined> {
  for (const offer of offers) {
    // Media goes to the client that asked for it, and to nobody else.
    if (offer.isMulticast || (offer.destination && normaliseAddress(offer.destination) !== peer.address)) continue;
    const agreed =
      offer.lower === 'tcp' ? interleaved(offer, isTaken) : await datagrams(offer, peer, settings, onPacket);
    if (agreed !== undefined) return agreed;
  }
  return undefined;
}

function interleaved(offer: TransportOffer, isTaken: (channel: number) => boolean): Agreed | undefined {
  const channels = offer.interleaved ?? freeChannels(isTaken);
  if (channels === undefined || channels[0] === channels[1] || channels.some(isTaken)) return undefined;
  return {
    transport: { kind: 'tcp', channels },
    header: `RTP/AVP/TCP;unicast;interleaved=${channels[0]}-${channels[1]}`,
  };
}

function freeChannels(isTaken: (channel: number) => boolean): [number, number] | undefined {
  for (let channel = 0; channel < 255; channel += 2) {
    if (!isTaken(channel) && !isTaken(channel + 1)) return [channel, channel + 1];
  }
  return undefined;
}

async function datagrams(
  offer: TransportOffer,
  peer: Peer,
  settings: RelaySettings,
  onPacket: (isRtcp: boolean, packet: Buffer) => void,
): Promise<Agreed | undefined> {
  const { clientPorts } = offer;
  // RTSPS that sends its media unencrypted beside it would be pointless.
  if (!settings.udp || peer.secure || clientPorts === undefined) return undefined;
  const [rtpPort, rtcpPort] = clientPorts;
  if (rtpPort === rtcpPort || clientPorts.some((port) => port < FIRST_UNPRIVILEGED_PORT)) return undefined;
  const to = { address: peer.address, rtpPort, rtcpPort };
  const pair = await UdpPair.open(peer.localAddress, to, settings.udpPorts, onPacket).catch(() => undefined);
  if (pair === undefined) return undefined;
  const ports = `client_port=${rtpPort}-${rtcpPort};server_port=${pair.ports.join('-')}`;
  return { transport: { kind: 'udp', pair }, header: `RTP/AVP;unicast;${ports}` };
}
