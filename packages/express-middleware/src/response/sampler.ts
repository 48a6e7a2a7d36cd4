/** Twice a second, so that bytes are credited at least every second, however late a timer is. Milliseconds. */
const SAMPLE_MS = 500;

/** What is sampled: the responses of one connection. */
export interface Sampled {
  /** False if there is nothing to sample. */
  sample(): boolean;
}

/**
 * The only timer of this process for sampling long responses; most end before it fires. It stops when nothing is left to sample,
 * and does not keep the process alive.
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
