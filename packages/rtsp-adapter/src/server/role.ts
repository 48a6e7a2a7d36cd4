import type { MediaMeter } from '../client/media-meter.js';
import type { TransportOffer } from '../protocol/transport-header.js';
import type { RelaySettings } from './options.js';
import type { Peer } from './peer.js';
import { agree, type TrackTransport } from './track-transport.js';

/** The purpose of an RTSP session (RFC 2326 §3.4): the tracks that were set up to be played or published. */
export abstract class Role {
  /** By track. */
  protected readonly transports: (TrackTransport | undefined)[] = [];
  /** PLAY or RECORD was received. */
  isActive = false;
  protected closed = false;

  constructor(
    protected readonly peer: Peer,
    protected readonly meter: MediaMeter,
    protected readonly settings: RelaySettings,
  ) {}

  /** SETUP of one track: the Transport header of the response, or undefined if no offer is acceptable. */
  async setUp(track: number, offers: readonly TransportOffer[]): Promise<string | undefined> {
    const onPacket = (isRtcp: boolean, packet: Buffer): void => {
      this.peer.heard();
      this.meter.bytesReceived += packet.length;
      this.packet(2 * track + Number(isRtcp), packet);
    };
    const isTaken = (channel: number): boolean =>
      this.transports.some((other, i) => i !== track && other?.kind === 'tcp' && other.channels.includes(channel));
    const agreed = await agree(offers, this.peer, this.settings, isTaken, onPacket);
    if (agreed === undefined) return undefined;
    if (this.closed) {
      release(agreed.transport);
      return undefined;
    }
    release(this.transports[track]);
    this.transports[track] = agreed.transport;
    this.arrange();
    return agreed.header;
  }

  get isSetUp(): boolean {
    return this.transports.length > 0;
  }

  uses(kind: TrackTransport['kind']): boolean {
    return this.transports.some((transport) => transport?.kind === kind);
  }

  /** An interleaved frame from the client. */
  abstract frame(channel: number, payload: Buffer): void;

  close(): void {
    this.closed = true;
    this.isActive = false;
    this.transports.forEach(release);
  }

  /** The transports have changed. */
  protected abstract arrange(): void;
  /** The client has sent a packet on this component. */
  protected abstract packet(component: number, packet: Buffer): void;
}

function release(transport: TrackTransport | undefined): void {
  if (transport?.kind === 'udp') transport.pair.close();
}
