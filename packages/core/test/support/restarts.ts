import { copyFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createTracker, fileState, type SessionTracker, type TrackerOptions } from '../../src/index.js';
import { fakeClock, type FakeClock } from '../../src/testing/index.js';
import type { Logged } from './make.js';

/** Processes, one after the other, with one state file: each tracker here stands for one. */
export class Processes {
  readonly clock: FakeClock = fakeClock();
  readonly logged: Logged[] = [];
  private readonly folder = mkdtempSync(path.join(tmpdir(), 'state-'));
  private file = path.join(this.folder, '0.state');
  private count = 0;
  private readonly trackers: SessionTracker[] = [];

  constructor(private readonly options: TrackerOptions = {}) {}

  get path(): string {
    return this.file;
  }

  /** The next process, which has read what was left. `downMs`: so long nobody was there. */
  async start(options: TrackerOptions = {}, downMs = 0): Promise<SessionTracker> {
    const tracker = this.startNow(options, downMs);
    await tracker.ready;
    return tracker;
  }

  startNow(options: TrackerOptions = {}, downMs = 0): SessionTracker {
    this.clock.advance(downMs);
    const log = (level: Logged['level']) => (details: object, message: string) =>
      void this.logged.push({ level, details: details as Record<string, unknown>, message });
    const logger = { debug: log('debug'), info: log('info'), warn: log('warn'), error: log('error') };
    const state = fileState(this.file);
    const tracker = createTracker({ clock: this.clock, logger, state, ...this.options, ...options });
    this.trackers.push(tracker);
    return tracker;
  }

  /** `kill -9`: what is in the file now is all that is left. `saved`: the last 50 ms are in it. */
  async kill(tracker: SessionTracker, saved = true): Promise<void> {
    if (saved) await tracker.saved();
    const file = path.join(this.folder, `${++this.count}.state`);
    copyFileSync(this.file, file);
    this.file = file;
  }

  async end(): Promise<void> {
    await Promise.all(this.trackers.map((tracker) => tracker.stop()));
    rmSync(this.folder, { recursive: true, force: true });
  }
}
