import type { Duplex } from 'node:stream';
import type { ByteCounters } from './byte-counters.js';
import { beingWritten, heldBack, queuedInTcp, takenByKernel, type WritableInternals } from './kernel-bytes.js';

/** The parts of a TCP or TLS socket that are read here. */
export interface CountedSocket extends Pick<Duplex, 'writableLength' | 'destroyed' | '_destroy'> {
  readonly bytesWritten: number;
  readonly bytesRead: number;
  readonly encrypted?: boolean;
}

/** The most recent counters of a socket, which link to the earlier ones, so that one function can serve all sockets. */
const LATEST = Symbol('counters');
type Tapped = CountedSocket & { [LATEST]?: SocketByteCounters | undefined };

/**
 * Counts a TCP or TLS socket from now on: the bytes that were written and have left this process. For a destroyed socket it
 * returns what had left by then: never less than the client received and, with TLS, at most the record overhead more.
 */
export class SocketByteCounters implements ByteCounters {
  private final: { sent: number; received: number } | undefined = undefined;
  private readonly sentBefore: number;
  private readonly receivedBefore: number;
  private readonly takenBefore: number | undefined;
  /** The counters that tapped the socket before, or its original `_destroy`. */
  private below: SocketByteCounters | CountedSocket['_destroy'];

  /** @param early Bytes read from the socket beforehand that also count. Default 0. */
  constructor(
    private readonly socket: CountedSocket,
    early = 0,
  ) {
    this.sentBefore = leftProcess(socket);
    this.receivedBefore = socket.bytesRead - early;
    this.takenBefore = socket.encrypted === true ? takenByKernel(socket) : undefined;
    const tapped: Tapped = socket;
    this.below = tapped[LATEST] ?? socket._destroy;
    if (tapped[LATEST] === undefined) socket._destroy = freezeAndDestroy;
    tapped[LATEST] = this;
  }

  /** Freezes all counters of a socket that is about to be destroyed: afterwards it can no longer tell what it had sent. */
  static freezeAll(socket: CountedSocket): CountedSocket['_destroy'] {
    let below: SocketByteCounters['below'] = (socket as Tapped)[LATEST]!;
    while (typeof below !== 'function') {
      below.freeze();
      below = below.below;
    }
    return below;
  }

  sent(): number {
    if (this.final !== undefined) return this.final.sent;
    const { socket, takenBefore } = this;
    const left = leftProcess(socket) - this.sentBefore;
    if (takenBefore === undefined || socket.writableLength === 0) return left;
    // What TLS has queued below is longer than the plain bytes in it, so the kernel's own count is an upper bound.
    return Math.min(left, Math.max(0, (takenByKernel(socket) ?? Infinity) - takenBefore + 1));
  }

  received(): number {
    return this.final?.received ?? this.socket.bytesRead - this.receivedBefore;
  }

  /** Counts only bytes that a write in progress holds up: merely corked bytes wait for the server, not for the client. */
  waiting(): number {
    const { socket } = this;
    return socket.writableLength > 0 && beingWritten(socket) > 0 ? socket.writableLength : 0;
  }

  release(): void {
    this.freeze();
    const tapped: Tapped = this.socket;
    // Others came later, of this kind or another: these counters stay below them and do nothing.
    if (tapped[LATEST] !== this) return;
    if (typeof this.below !== 'function') tapped[LATEST] = this.below;
    else if (tapped._destroy === freezeAndDestroy) {
      tapped._destroy = this.below;
      tapped[LATEST] = undefined;
    }
  }

  private freeze(): void {
    this.final ??= { sent: this.sent(), received: this.received() };
  }
}

const freezeAndDestroy: CountedSocket['_destroy'] = function (this: CountedSocket, error, callback) {
  SocketByteCounters.freezeAll(this).call(this as unknown as Duplex, error, callback);
};

function leftProcess(socket: CountedSocket & WritableInternals): number {
  if (socket.writableLength > 0) return socket.bytesWritten - heldBack(socket) - (queuedInTcp(socket) ?? 0);
  // The same value, without the copy of an empty queue that `bytesWritten` makes: ten thousand idle sockets are read each second.
  return socket._handle?.bytesWritten ?? socket.bytesWritten;
}
