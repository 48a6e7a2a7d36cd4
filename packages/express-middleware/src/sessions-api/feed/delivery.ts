import type { Batch } from './channel.js';

/** The number of clients served before the event loop gets its turn. */
const AT_ONCE = 256;

/** Delivers batches to their clients in order, but never to all of them at once. */
export class Delivery {
  private readonly batches: Batch[] = [];
  private next = 0;
  private isRunning = false;

  add(batch: Batch | undefined): void {
    if (batch === undefined) return;
    this.batches.push(batch);
    if (!this.isRunning) this.run();
  }

  private run(): void {
    let left = AT_ONCE;
    for (let batch = this.batches[0]; batch !== undefined; batch = this.batches[0]) {
      while (this.next < batch.clients.length && left > 0) {
        batch.clients[this.next++]?.send(batch.bytes);
        left--;
      }
      if (this.next < batch.clients.length) break;
      this.batches.shift();
      this.next = 0;
    }
    this.isRunning = this.batches.length > 0;
    if (this.isRunning) setImmediate(() => this.run());
  }
}
