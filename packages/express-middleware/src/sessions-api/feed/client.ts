import { destroyLater, isGone } from '@stream-sessions/core/spi';
import type { PlaybackResponse } from '../../connect.js';
import type { Encoding } from './encoding.js';
import { message } from './message.js';

/** The most bytes that may wait for a client: one that is too slow is told so, and disconnected. */
export const MAX_WAITING = 1024 * 1024;

/** A client of the feed. */
export class FeedClient {
  private isOver = false;

  constructor(
    private readonly res: PlaybackResponse,
    readonly encoding: Encoding,
  ) {
    if (encoding.head !== undefined) write(res, encoding.head);
  }

  /** Sends a text to this client alone. */
  say(text: string): void {
    this.send(this.encoding.wrap(Buffer.from(text)));
  }

  /** @param bytes In the client's encoding. */
  send(bytes: Buffer): void {
    if (this.isOver || isGone(this.res)) return;
    if (this.res.writableLength + bytes.length > MAX_WAITING) this.end(message('overflow', {}));
    else write(this.res, bytes);
  }

  /** @param last The final message. */
  end(last = ''): void {
    if (this.isOver) return;
    this.isOver = true;
    (this.res as { end(bytes: Buffer): unknown }).end(this.encoding.wrap(Buffer.from(last)));
    // a client that reads nothing would keep it open for ever
    destroyLater(this.res);
  }
}

const write = (res: PlaybackResponse, bytes: Buffer): unknown =>
  (res as { write(bytes: Buffer): unknown }).write(bytes);
