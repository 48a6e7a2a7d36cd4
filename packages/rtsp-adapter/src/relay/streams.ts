import { Stream } from './stream.js';

/** The streams that are on air, by their stream code. */
export class Streams {
  private readonly byCode = new Map<string, Stream>();

  get(code: string): Stream | undefined {
    return this.byCode.get(code);
  }

  /** For one who goes on air now. */
  open(code: string): Stream {
    let stream = this.byCode.get(code);
    if (stream === undefined) this.byCode.set(code, (stream = new Stream(() => this.byCode.delete(code))));
    return stream;
  }

  /** The server closes: players do not hear that their stream has ended, because that is not why. */
  forget(): void {
    for (const stream of this.byCode.values()) stream.sinks.clear();
  }

  get codes(): string[] {
    return [...this.byCode.keys()];
  }
}
