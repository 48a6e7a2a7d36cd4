import { destroyLater } from '@stream-sessions/core/spi';
import type { PlaybackResponse } from '../../connect.js';
import type { Encoding } from './encoding.js';
import { message } from './message.js';

/** So much may wait for a client, in bytes: one that takes it slower than it comes is told, and ended. */
export const MAX_WAITING = 1024 * 1024;

/** One who listens to the feed. */
export class FeedClient {
  private isOver = false;

  constructor(
    private readonly res: PlaybackResponse,
    readonly encoding: Encoding,
  ) {
    if (encoding.head !== undefined) write(res, encoding.head);
  }

  /** For this one alone. */
  say(text: string): void {
    this.send(this.encoding.wrap(Buffer.from(text)));
  }

  /** @param bytes in its encoding */
  send(bytes: Buffer): void {
    if (this.isOver || isGone(this.res)) return;
    if (this.res.writableLength + bytes.length > MAX_WAITING) this.end(message('overflow', {}));
    else write(this.res, bytes);
  }

  /** @param last what it is told at the end */
  end(last = ''): void {
    if (this.isOver) return;
    this.isOver = true;
    (this.res as { end(bytes: Buffer): unknown }).end(this.encoding.wrap(Buffer.from(last)));
    // one that reads nothing would keep it for ever
    destroyLater(this.res);
  }
}

const write = (res: PlaybackResponse, bytes: Buffer): unknown =>
  (res as { write(bytes: Buffer): unknown }).write(bytes);

/** HTTP/2's response does not say so itself. */
export const isGone = (res: PlaybackResponse): boolean =>
  'stream' in res ? (res.stream?.destroyed ?? true) : res.destroyed;
