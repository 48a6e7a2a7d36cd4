import { constants, type Http2ServerRequest, type Http2ServerResponse, type ServerHttp2Stream } from 'node:http2';
import { beingWritten, heldBack, takenByKernel } from '@stream-sessions/core/spi';
import { BodyCounter } from './body-counter.js';
import { LARGE_WRITE, type ResponseSocket } from './response-socket.js';

/** A response over HTTP/2: a stream of a connection that carries others at the same time. */
export class StreamBody extends BodyCounter {
  private readonly connection: ResponseSocket | undefined;
  private readonly takenBefore: number;

  constructor(
    req: Http2ServerRequest,
    res: Http2ServerResponse,
    private readonly stream: ServerHttp2Stream,
  ) {
    super(req, res);
    this.connection = stream.session?.socket;
    this.takenBefore = (this.connection && takenByKernel(this.connection)) ?? 0;
  }

  protected handedNow(): number {
    if (this.stream.writableLength === 0) return this.written;
    return Math.min(this.written - heldBack(this.stream), this.takenSinceStart());
  }

  /** Includes what other streams sent, so it may be too high; a file server's writes are too short for this to matter. */
  private takenSinceStart(): number {
    const taken = this.connection && takenByKernel(this.connection);
    return taken === undefined ? Infinity : taken - this.takenBefore;
  }

  takenOfLargeWrite(): number {
    return beingWritten(this.stream) > LARGE_WRITE ? this.takenSinceStart() : 0;
  }

  get isOver(): boolean {
    return this.stream.destroyed;
  }

  /** Resets the stream; the other viewers on the connection stay. */
  sever(): void {
    this.stream.close(constants.NGHTTP2_CANCEL);
    this.stream.destroy();
  }
}
