import { SocketByteCounters, type CountedSocket, type ByteCounters } from '@stream-sessions/core/spi';

/**
 * The media counters of one client. The connection counts from the first PLAY or RECORD on, and only if it carries media;
 * datagrams count by their payload.
 */
export class MediaMeter {
  private readonly readers = new Set<MediaCounters>();
  /** In datagrams. */
  bytesSent = 0;
  bytesReceived = 0;
  private overConnection = false;

  constructor(private readonly socket: CountedSocket) {}

  /** One per sampler. */
  counters(): ByteCounters {
    const counters = new MediaCounters(this);
    if (this.overConnection) counters.begin(this.socket);
    this.readers.add(counters);
    return counters;
  }

  /** Media begins. @param overConnection Some of it is interleaved. Safe to call twice. */
  begin(overConnection: boolean): void {
    if (!overConnection || this.overConnection) return;
    this.overConnection = true;
    for (const counters of this.readers) counters.begin(this.socket);
  }

  forget(counters: MediaCounters): void {
    this.readers.delete(counters);
  }
}

class MediaCounters implements ByteCounters {
  private connection: SocketByteCounters | undefined = undefined;

  constructor(private readonly meter: MediaMeter) {}

  begin(socket: CountedSocket): void {
    this.connection ??= new SocketByteCounters(socket);
  }

  sent(): number {
    return this.meter.bytesSent + (this.connection?.sent() ?? 0);
  }

  received(): number {
    return this.meter.bytesReceived + (this.connection?.received() ?? 0);
  }

  waiting(): number {
    return this.connection?.waiting() ?? 0;
  }

  release(): void {
    this.connection?.release();
    this.meter.forget(this);
  }
}
