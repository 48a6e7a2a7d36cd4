import { SocketFlow, type CountedSocket, type Flow } from '@stream-sessions/core/spi';

/**
 * The media counters of one client. The connection counts from the first PLAY or RECORD on, and only if media goes over it;
 * datagrams count by what is in them.
 */
export class MediaFlows {
  private readonly flows = new Set<MediaFlow>();
  /** Of datagrams. */
  bytesSent = 0;
  bytesReceived = 0;
  private overConnection = false;

  constructor(private readonly socket: CountedSocket) {}

  /** One for each who samples. */
  flow(): Flow {
    const flow = new MediaFlow(this);
    if (this.overConnection) flow.begin(this.socket);
    this.flows.add(flow);
    return flow;
  }

  /** Media begins. @param overConnection Some of it interleaved. Harmless twice. */
  begin(overConnection: boolean): void {
    if (!overConnection || this.overConnection) return;
    this.overConnection = true;
    for (const flow of this.flows) flow.begin(this.socket);
  }

  forget(flow: MediaFlow): void {
    this.flows.delete(flow);
  }
}

class MediaFlow implements Flow {
  private connection: SocketFlow | undefined = undefined;

  constructor(private readonly owner: MediaFlows) {}

  begin(socket: CountedSocket): void {
    this.connection ??= new SocketFlow(socket);
  }

  sent(): number {
    return this.owner.bytesSent + (this.connection?.sent() ?? 0);
  }

  received(): number {
    return this.owner.bytesReceived + (this.connection?.received() ?? 0);
  }

  waiting(): number {
    return this.connection?.waiting() ?? 0;
  }

  release(): void {
    this.connection?.release();
    this.owner.forget(this);
  }
}
