import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { beingWritten, heldBack, queuedInTcp, takenByKernel } from '@stream-sessions/core/spi';
import { BodyCounter } from './body-counter.js';
import { LARGE_WRITE, type ResponseSocket } from './response-socket.js';

/** Length of the end of a chunked body. */
const LAST_CHUNK = 5;

/** A response over HTTP/1: its turn on a socket that carries others before and after it. */
export class SocketBody extends BodyCounter {
  private readonly takenBefore: number;

  constructor(
    req: IncomingMessage,
    override readonly res: ServerResponse,
    private readonly socket: Socket & ResponseSocket,
  ) {
    super(req, res);
    this.takenBefore = socket.encrypted === true ? (takenByKernel(socket) ?? 0) : 0;
  }

  protected handedNow(): number {
    const { res, socket } = this;
    // In a pipeline, a response has no socket before its turn, nor after it has been sent.
    if (res.socket !== socket) return res.writableFinished ? this.written : 0;
    const unsent = res.writableLength;
    if (unsent === 0) return this.written;
    const framing = res.chunkedEncoding ? this.framing + LAST_CHUNK : 0;
    const held = unsent - socket.writableLength + heldBack(socket);
    const queued = queuedInTcp(socket);
    const bytes = this.written - Math.max(0, held + (queued ?? 0) - framing);
    return queued === undefined ? Math.min(bytes, this.takenSinceStart()) : bytes;
  }

  private takenSinceStart(): number {
    const taken = takenByKernel(this.socket);
    return taken === undefined ? Infinity : taken - this.takenBefore;
  }

  takenOfLargeWrite(): number {
    return this.socket.encrypted === true && beingWritten(this.socket) > LARGE_WRITE ? this.takenSinceStart() : 0;
  }

  get isOver(): boolean {
    return this.socket.destroyed || this.res.destroyed;
  }

  /** end() would let the client finish what it has; a kick must take effect at once. */
  sever(): void {
    this.socket.destroy();
  }
}
