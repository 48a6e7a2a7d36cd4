import type { MediaMeter } from '../client/media-meter.js';
import type { Description } from '../protocol/sdp.js';
import { isRtcp } from '../relay/batch.js';
import type { Source, Stream } from '../relay/stream.js';
import type { RelaySettings } from './options.js';
import type { Peer } from './peer.js';
import { Role } from './role.js';

const SHORTEST_RTP = 12;
const SHORTEST_RTCP = 8;

/** A session that publishes. */
export class Publisher extends Role implements Source {
  private stream: Stream | undefined = undefined;
  /** The component for each channel of the connection. */
  private readonly components = new Array<number | undefined>(256);

  constructor(
    readonly description: Description,
    peer: Peer,
    meter: MediaMeter,
    settings: RelaySettings,
    private readonly onReplaced: () => void,
  ) {
    super(peer, meter, settings);
  }

  /** @param open Creates the stream if it does not exist. */
  record(open: () => Stream): void {
    if (this.closed || this.isActive) return;
    this.isActive = true;
    this.meter.begin(this.uses('tcp'));
    this.stream = open();
    this.stream.publish(this);
  }

  replaced(): void {
    this.onReplaced();
  }

  override close(): void {
    super.close();
    this.stream?.unpublish(this);
  }

  frame(channel: number, payload: Buffer): void {
    const component = this.components[channel];
    if (component !== undefined) this.packet(component, payload);
  }

  protected packet(component: number, packet: Buffer): void {
    // Version 2 and long enough (RFC 3550 §5.1, §6.4): anything else opens ways through firewalls, or is invalid.
    if (packet.length < (isRtcp(component) ? SHORTEST_RTCP : SHORTEST_RTP) || (packet[0] as number) >> 6 !== 2) return;
    this.stream?.push(this, component, packet);
  }

  protected arrange(): void {
    this.components.fill(undefined);
    this.transports.forEach((transport, track) => {
      if (transport?.kind === 'tcp')
        transport.channels.forEach((channel, i) => (this.components[channel] = 2 * track + i));
    });
  }
}
