import type { MediaMeter } from '../client/media-meter.js';
import { isRtcp, Layout, type Batch } from '../relay/batch.js';
import type { Sink, Stream } from '../relay/stream.js';
import type { UdpPair } from './udp-pair.js';
import type { RelaySettings } from './options.js';
import type { Peer } from './peer.js';
import { Role } from './role.js';

/** A session that plays. */
export class Player extends Role implements Sink {
  private layout: Layout | undefined = undefined;
  /** By track. */
  private pairs: (UdpPair | undefined)[] | undefined = undefined;
  /** It takes less than there is: packets are dropped for it at the moment. */
  private isLagging = false;
  private isPaused = false;
  private readonly shape: string | undefined;

  constructor(
    readonly stream: Stream,
    peer: Peer,
    meter: MediaMeter,
    settings: RelaySettings,
    private readonly onEnded: () => void,
  ) {
    super(peer, meter, settings);
    this.shape = stream.source?.description.shape;
  }

  play(): void {
    if (this.closed) return;
    this.isActive = true;
    this.isPaused = false;
    this.meter.begin(this.uses('tcp'));
    this.stream.join(this);
  }

  pause(): void {
    this.isPaused = true;
  }

  /** Whether what was set up matches what is on air. */
  get isOnAir(): boolean {
    return this.stream.source?.description.shape === this.shape;
  }

  override close(): void {
    this.stream.leave(this);
    super.close();
  }

  take(batch: Batch): void {
    if (this.isPaused) return;
    if (this.layout !== undefined) this.write(batch, this.layout);
    if (this.pairs !== undefined) this.send(batch, this.pairs);
  }

  ended(): void {
    this.onEnded();
  }

  frame(): void {
    // Receiver reports: all that matters is that they arrived.
  }

  protected packet(): void {
    // The same, and packets that open a way through a firewall.
  }

  protected arrange(): void {
    const { transports } = this;
    // Tracks may be set up in any order, or not at all.
    const channels = Array.from(transports).flatMap((transport) =>
      transport?.kind === 'tcp' ? transport.channels : [undefined, undefined],
    );
    this.layout = this.uses('tcp') ? new Layout(channels) : undefined;
    this.pairs = this.uses('udp')
      ? transports.map((transport) => (transport?.kind === 'udp' ? transport.pair : undefined))
      : undefined;
  }

  private write(batch: Batch, layout: Layout): void {
    const { socket } = this.peer;
    const { maxBufferBytes } = this.settings;
    // Until half of it is gone: one long gap is less disturbing than many short ones.
    this.isLagging = socket.writableLength > (this.isLagging ? maxBufferBytes / 2 : maxBufferBytes);
    if (this.isLagging) return;
    const frames = batch.framesFor(layout);
    if (frames.length > 0) socket.write(frames);
  }

  private send({ components, packets }: Batch, pairs: readonly (UdpPair | undefined)[]): void {
    const { meter } = this;
    for (let i = 0; i < packets.length; i++) {
      const component = components[i] as number;
      const packet = packets[i] as Buffer;
      if (pairs[component >> 1]?.send(isRtcp(component), packet) === true) meter.bytesSent += packet.length;
    }
  }
}
