import type { Duplex } from 'node:stream';
import type { Flow } from './byte-counters.js';

/**
 * What the kernel has taken is not in Node's public API. These parts of Node have been where they are for many years; each
 * may be missing, and then the count is one write less exact.
 */
interface Internals {
  /** Of bytes given to libuv, those that the kernel has not taken yet. */
  readonly _handle?: { readonly writeQueueSize?: number } | null;
  /** Length of the write in progress. */
  readonly _writableState?: { readonly writelen?: number };
}

/** A TCP or TLS socket, as far as it is read here. */
export interface CountedSocket extends Pick<Duplex, 'writableLength' | 'destroyed' | '_destroy'> {
  readonly bytesWritten: number;
  readonly bytesRead: number;
  readonly encrypted?: boolean;
}

/**
 * Counts a TCP or TLS socket from now on: what was written and has left this process. Of a destroyed socket, what had left
 * by then: never less than the client received, and at most the write in progress more (TLS).
 */
export class SocketFlow implements Flow {
  private final: { sent: number; received: number } | undefined = undefined;
  private readonly sentBefore: number;
  private readonly receivedBefore: number;
  private readonly destroy: CountedSocket['_destroy'];
  private readonly tap: CountedSocket['_destroy'];

  constructor(private readonly socket: CountedSocket) {
    this.sentBefore = leftProcess(socket);
    this.receivedBefore = socket.bytesRead;
    const destroy = (this.destroy = socket._destroy);
    // Afterwards nobody can tell any more what it had sent.
    this.tap = (error, callback) => {
      this.freeze();
      destroy.call(socket, error, callback);
    };
    socket._destroy = this.tap;
  }

  sent(): number {
    return this.final?.sent ?? leftProcess(this.socket) - this.sentBefore;
  }

  received(): number {
    return this.final?.received ?? this.socket.bytesRead - this.receivedBefore;
  }

  /** Only what a write in progress holds up: what is merely corked waits for the server, not for the client. */
  waiting(): number {
    const { socket } = this;
    return socket.writableLength > 0 && beingWritten(socket) > 0 ? socket.writableLength : 0;
  }

  release(): void {
    this.freeze();
    // Somebody may have tapped it after us: then ours stays in the chain, and does nothing.
    if (this.socket._destroy === this.tap) this.socket._destroy = this.destroy;
  }

  private freeze(): void {
    this.final ??= { sent: this.sent(), received: this.received() };
  }
}

function leftProcess(socket: CountedSocket): number {
  const { writableLength } = socket;
  if (writableLength === 0) return socket.bytesWritten;
  const heldBack = writableLength - beingWritten(socket);
  // What TLS has queued below is longer than the plain bytes in it, by how much nobody knows: all of it counts as gone.
  const queued = socket.encrypted === true ? 0 : ((socket as Internals)._handle?.writeQueueSize ?? 0);
  return socket.bytesWritten - heldBack - queued;
}

/** The write in progress: some of it may have gone. Unknown counts as gone, for less than was received is worse. */
const beingWritten = (socket: CountedSocket): number =>
  (socket as Internals)._writableState?.writelen ?? socket.writableLength;
