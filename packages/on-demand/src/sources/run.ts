import type { SourceTarget } from '../driver.js';
import type { Rule, SourcesSettings } from '../options.js';

/** How often the playlist is checked while its source starts. Milliseconds. */
const LOOK_MS = 100;

/** One start of a source, until it runs or has failed; afterwards it reports whether the source ended on its own. */
export class Run {
  private readonly controller = new AbortController();
  private onEnded: ((why: string) => void) | undefined;

  constructor(
    private readonly target: SourceTarget,
    private readonly rule: Rule,
    private readonly settings: SourcesSettings,
    /** Called when its driver has completed a start that was given up. */
    private readonly onLate: () => void,
  ) {}

  /**
   * Resolves when the source is running. Rejects with an Error that says why it is not. `onEnded`: called with the reason if it
   * ends later.
   */
  async start(onEnded: (why: string) => void): Promise<void> {
    const { clock, startTimeoutMs } = this.settings;
    const { signal } = this.controller;
    const timer = clock.setTimeout(() => this.end(`it did not run within ${startTimeoutMs} ms`), startTimeoutMs);
    this.onEnded = (why) => this.end(why);
    try {
      await Promise.race([this.begin(), rejection(signal)]);
      this.onEnded = onEnded;
    } finally {
      clock.clearTimeout(timer);
    }
  }

  /** Gives up on what is in progress. */
  end(why: string): void {
    this.onEnded = undefined;
    this.controller.abort(new Error(why));
  }

  private async begin(): Promise<void> {
    const { target, settings } = this;
    const { driver, playlist } = this.rule;
    const { signal } = this.controller;
    await playlist?.prepare(target);
    signal.throwIfAborted();
    const since = settings.clock.now();
    await driver.start(target, { signal, ended: (why) => this.onEnded?.(textOf(why)) });
    if (signal.aborted) return this.onLate();
    while (playlist !== undefined && !(await playlist.isNewer(target, since))) {
      signal.throwIfAborted();
      await new Promise<void>((resolve) => settings.clock.setTimeout(resolve, LOOK_MS));
    }
  }
}

/** Drivers pass on what they have: `child.on('error', run.ended)`. */
export const textOf = (why: unknown): string => (why instanceof Error ? why.message : String(why));

const rejection = (signal: AbortSignal): Promise<never> =>
  new Promise((_resolve, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
  });
