import type { FeedClient } from './client.js';
import type { Encoding } from './encoding.js';
import { type FeedFilter, wants } from './filter.js';
import type { Topic } from './ring.js';
import { TextBuffer } from './text-buffer.js';

/** What goes to the clients that were there when it was made. */
export interface Batch {
  readonly bytes: Buffer;
  readonly clients: readonly FeedClient[];
}

/** All clients with one filter and one encoding: what they get is put together once. */
export class Channel {
  private readonly clients = new Set<FeedClient>();
  private readonly text = new TextBuffer();

  constructor(
    readonly filter: FeedFilter,
    readonly encoding: Encoding,
  ) {}

  get size(): number {
    return this.clients.size;
  }

  add(client: FeedClient): void {
    this.clients.add(client);
  }

  delete(client: FeedClient): void {
    this.clients.delete(client);
  }

  offer(topic: Topic, text: string): void {
    if (wants(this.filter, topic)) this.push(text);
  }

  push(text: string): void {
    this.text.push(text);
  }

  /** Bytes that wait. */
  get waiting(): number {
    return this.text.length;
  }

  /** What waits, for those who are here now; undefined: nothing does. */
  take(): Batch | undefined {
    if (this.text.length === 0) return undefined;
    return { bytes: this.encoding.encode(this.text.take()), clients: [...this.clients] };
  }
}
