import type { FeedClient } from './client.js';
import type { Encoding } from './encoding.js';
import { type FeedFilter, wants } from './filter.js';
import type { Topic } from './ring.js';
import { TextBuffer } from './text-buffer.js';

/** Bytes for the clients that were connected when they were produced. */
export interface Batch {
  readonly bytes: Buffer;
  readonly clients: readonly FeedClient[];
}

/** All clients with the same filter and encoding: what they get is assembled once. */
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

  /** Bytes that are waiting. */
  get waiting(): number {
    return this.text.length;
  }

  /** What is waiting, for the clients that are here now; undefined: nothing. */
  take(): Batch | undefined {
    if (this.text.length === 0) return undefined;
    return { bytes: this.encoding.encode(this.text.take()), clients: [...this.clients] };
  }
}
