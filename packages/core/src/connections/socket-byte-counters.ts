import type { Duplex } from 'node:stream';
import type { ByteCounters } from './byte-counters.js';
import { beingWritten, heldBack, queuedInTcp, takenByKernel, type WritableInternals } from './kernel-bytes.js';

/** A TCP or TLS socket, as far as it is read here. */
export interface CountedSocket extends Pick<Duplex, 'writableLength' | 'destroyed' | '_destroy'> {
  readonly bytesWritten: number;
  readonly bytesRead: number;
  readonly encrypted?: boolean;
}

/**
 * Counts a TCP or TLS socket from now on: what was written and has left this process. Of a destroyed socket, what had left
 * by then: never less than the client received, and with TLS at most the overhead of its records more.
 */
export class SocketByteCounters implements ByteCounters {
  private final: { sent: number; received: number } | undefined = undefined;
  private readonly sentBefore: number;
  private readonly receivedBefore: number;
  private readonly takenBefore: number | undefined;
  private readonly destroy: CountedSocket['_destroy'];
  private readonly tap: CountedSocket['_destroy'];

  constructor(private readonly socket: CountedSocket) {
    this.sentBefore = leftProcess(socket);
    this.receivedBefore = socket.bytesRead;
    this.takenBefore = socket.encrypted === true ? takenByKernel(socket) : undefined;
    const destroy = (this.destroy = socket._destroy);
    // Afterwards nobody can tell any more what it had sent.
    this.tap = (error, callback) => {
      this.freeze();
      destroy.call(socket, error, callback);
    };
    socket._destroy = this.tap;
  }

  sent(): number {
    if (this.final !== undefined) return this.final.sent;
    const { socket, takenBefore } = this;
    const left = leftProcess(socket) - this.sentBefore;
    if (takenBefore === undefined || socket.writableLength === 0) return left;
    // What TLS has queued below is longer than the plain bytes in it: the kernel's own count is a bound.
    return Math.min(left, Math.max(0, (takenByKernel(socket) ?? Infinity) - takenBefore + 1));
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

function leftProcess(socket: CountedSocket & WritableInternals): number {
  if (socket.writableLength > 0) return socket.bytesWritten - heldBack(socket) - (queuedInTcp(socket) ?? 0);
  // The same, without the copy of an empty queue that `bytesWritten` makes: ten thousand idle sockets are asked each second.
  return socket._handle?.bytesWritten ?? socket.bytesWritten;
}
