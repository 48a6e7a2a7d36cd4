import type { SourcesSettings } from '../options.js';
import type { Source } from './source.js';

/** Limits how many sources may start and run; the others wait in order. */
export class Places {
  private readonly queue = new Set<Source>();

  constructor(
    private readonly settings: SourcesSettings,
    private readonly sources: () => Iterable<Source>,
    /** Makes a test for whether somebody is watching or waiting for a source, as of now. */
    private readonly watched: () => (source: Source) => boolean,
  ) {}

  /** The source is to start when there is room. */
  request(source: Source): void {
    source.isWanted = true;
    this.queue.add(source);
    this.fill();
  }

  withdraw(source: Source): void {
    source.isWanted = false;
    this.queue.delete(source);
  }

  /** True if nothing more can start until a watched source ends. */
  get isFull(): boolean {
    return this.count().up >= this.settings.maxRunning && this.idlest() === undefined;
  }

  /** Starts the sources for which there is room. One that nobody watches makes room for one that is awaited. */
  fill(): void {
    for (const source of this.queue) {
      const { up, starting, leaving } = this.count();
      if (starting >= this.settings.maxStarting) return;
      if (up >= this.settings.maxRunning) {
        if (!leaving) void this.idlest()?.stop('it made room for another');
        return;
      }
      this.queue.delete(source);
      source.start();
    }
  }

  private count() {
    const up = [...this.sources()].filter((source) => source.isUp);
    const starting = up.filter(({ state }) => state === 'starting').length;
    return { up: up.length, starting, leaving: up.some(({ state }) => state === 'stopping') };
  }

  /** The running source that has been unwatched for longest. */
  private idlest(): Source | undefined {
    const isWatched = this.watched();
    const idle = [...this.sources()].filter((source) => source.state === 'running' && !isWatched(source));
    return idle.sort((a, b) => a.watchedAt - b.watchedAt)[0];
  }
}
