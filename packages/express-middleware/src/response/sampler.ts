/** Twice a second, so that bytes are credited at least every second however late a timer is. */
const SAMPLE_MS = 500;

/** What is looked at: the responses of one connection. */
export interface Sampled {
  /** False when there is nothing to look at. */
  sample(): boolean;
}

/**
 * The one timer of this process that looks at long responses; most are gone before it does. It stops when a look finds
 * none, and keeps no process alive.
 */
class Sampler {
  private readonly all = new Set<Sampled>();
  private timer: NodeJS.Timeout | undefined = undefined;

  add(sampled: Sampled): void {
    this.all.add(sampled);
  }

  delete(sampled: Sampled): void {
    this.all.delete(sampled);
  }

  /** A response has started. */
  wake(): void {
    this.timer ??= setInterval(() => this.look(), SAMPLE_MS).unref();
  }

  private look(): void {
    let busy = false;
    for (const sampled of this.all) busy = sampled.sample() || busy;
    if (busy) return;
    clearInterval(this.timer);
    this.timer = undefined;
  }
}

export const sampler = new Sampler();
