import { Stream } from './stream.js';

/** The streams that are on air, by their stream code. */
export class Streams {
  private readonly byCode = new Map<string, Stream>();
  private readonly awaited = new Map<string, Set<() => void>>();

  get(code: string): Stream | undefined {
    return this.byCode.get(code);
  }

  /** The stream for a client that is going on air. */
  open(code: string): Stream {
    let stream = this.byCode.get(code);
    if (stream === undefined) {
      stream = new Stream(
        () => this.byCode.delete(code),
        () => this.published(code),
      );
      this.byCode.set(code, stream);
    }
    return stream;
  }

  /** Calls back when somebody publishes this stream, at most once. Returns a function that cancels the wait. */
  whenPublished(code: string, callback: () => void): () => void {
    const waiting = this.awaited.get(code) ?? new Set();
    this.awaited.set(code, waiting.add(callback));
    return () => {
      waiting.delete(callback);
      if (waiting.size === 0 && this.awaited.get(code) === waiting) this.awaited.delete(code);
    };
  }

  /** The server is closing: players are not told that their stream has ended, because that is not the reason. */
  forget(): void {
    for (const stream of this.byCode.values()) stream.sinks.clear();
  }

  get codes(): string[] {
    return [...this.byCode.keys()];
  }

  private published(code: string): void {
    const waiting = this.awaited.get(code);
    this.awaited.delete(code);
    waiting?.forEach((callback) => callback());
  }
}
