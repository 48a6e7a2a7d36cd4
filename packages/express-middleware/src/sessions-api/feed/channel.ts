import type { FeedClient } from './client.js';
import { type FeedFilter, wants } from './filter.js';
import type { Topic } from './ring.js';

/** Text for the clients that were there when it was made. */
export interface Batch {
  readonly text: Buffer;
  readonly clients: readonly FeedClient[];
}

/** All clients with one filter: what they get is put together once. */
export class Channel {
  private readonly clients = new Set<FeedClient>();
  private parts: string[] = [];
  private length = 0;

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
    this.parts.push(text);
    this.length += text.length;
  }

  /** Characters that wait. */
  get waiting(): number {
    return this.length;
  }

  /** What waits, for those who are here now; undefined: nothing does. */
  take(): Batch | undefined {
    if (this.parts.length === 0) return undefined;
    const text = Buffer.from(this.parts.join(''));
    this.parts = [];
    this.length = 0;
    return { text, clients: [...this.clients] };
  }
}
