import type { SourcesSettings } from '../options.js';
import type { Source } from './source.js';

/** Limits how many sources may start and run; the others wait in order. */
export class Places {
  private readonly queue = new Set<Source>();
  /** Those that take up a place. */
  private readonly up = new Set<Source>();

  constructor(
    private readonly settings: SourcesSettings,
    /** Whether somebody is watching or waiting for a source. */
    private readonly isNeeded: (source: Source) => boolean,
  ) {}

  /** The source is to start when there is room: call `fill` afterwards. */
  request(source: Source): void {
    source.isWanted = true;
    this.queue.add(source);
  }

  withdraw(source: Source): void {
    source.isWanted = false;
    this.queue.delete(source);
  }

  /** The state of the source has changed. */
  changed(source: Source): void {
    if (source.isUp) this.up.add(source);
    else this.up.delete(source);
  }

  /** True if nothing more can start until a watched source ends. */
  get isFull(): boolean {
    return this.up.size >= this.settings.maxRunning && this.idlest() === undefined;
  }

  /** Starts the sources for which there is room, and forgets those for which nobody waits any more. One that nobody watches makes room for one that is awaited. */
  fill(): void {
    for (const source of this.queue) {
      if (!this.isNeeded(source)) {
        this.withdraw(source);
        continue;
      }
      if (this.inState('starting') >= this.settings.maxStarting) return;
      if (this.up.size >= this.settings.maxRunning) {
        if (this.inState('stopping') === 0) void this.idlest()?.stop('it made room for another');
        return;
      }
      this.queue.delete(source);
      source.start();
    }
  }

  private inState(state: Source['state']): number {
    let count = 0;
    for (const source of this.up) if (source.state === state) count++;
    return count;
  }

  /** The running source that has been unwatched for longest. */
  private idlest(): Source | undefined {
    let idlest: Source | undefined;
    for (const source of this.up) {
      if (source.state !== 'running' || this.isNeeded(source)) continue;
      if (idlest === undefined || source.watchedAt.monotonic < idlest.watchedAt.monotonic) idlest = source;
    }
    return idlest;
  }
}
