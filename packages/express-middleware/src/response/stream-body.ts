import { constants, type Http2ServerRequest, type Http2ServerResponse, type ServerHttp2Stream } from 'node:http2';
import { beingWritten, givenToKernel, heldBack, takenByKernel } from '@stream-sessions/core/spi';
import { BodyCounter } from './body-counter.js';
import { LARGE_WRITE, type ResponseSocket } from './response-socket.js';

/** A response over HTTP/2: a stream of a connection that carries others at the same time. */
export class StreamBody extends BodyCounter {
  private readonly connection: ResponseSocket | undefined;
  private readonly takenBefore: number;
  /** What can have gone when it was cut, at most; -1 before that. */
  private most = -1;

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

  /** Node holds what was written to a stream, and sends as much of it as the client takes when the stream is destroyed. */
  override freeze(): void {
    if (this.final >= 0 || this.most >= 0) return;
    if (this.stream.writableLength === 0) super.freeze();
    else this.most = this.written - heldBack(this.stream);
  }

  override settle(): void {
    this.freeze();
    if (this.final >= 0) return;
    // what the connection has been given goes out after the stream has ended
    const given = this.connection && givenToKernel(this.connection);
    this.final = Math.min(this.most, given === undefined ? Infinity : given - this.takenBefore);
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
