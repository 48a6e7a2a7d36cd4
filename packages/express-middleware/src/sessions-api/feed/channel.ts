import type { FeedClient } from './client.js';
import { type FeedFilter, wants } from './filter.js';
import type { Topic } from './ring.js';
import { TextBuffer } from './text-buffer.js';

/** Text for the clients that were there when it was made. */
export interface Batch {
  readonly text: Buffer;
  readonly clients: readonly FeedClient[];
}

/** All clients with one filter: what they get is put together once. */
export class Channel {
  private readonly clients = new Set<FeedClient>();
  private readonly text = new TextBuffer();

  constructor(readonly filter: FeedFilter) {}

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
    return { text: this.text.take(), clients: [...this.clients] };
  }
}
