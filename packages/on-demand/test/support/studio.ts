import { createTracker, type HttpHit, type SessionTracker, type TrackerOptions } from '@stream-sessions/core';
import { fakeClock, type FakeClock } from '@stream-sessions/core/testing';
import {
  createSources,
  type SourceDriver,
  type SourceRun,
  type Sources,
  type SourcesOptions,
} from '../../src/index.js';

const silent = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined };

/** Lets promises that wait for nothing go on. */
export const turn = async (): Promise<void> => {
  for (let i = 0; i < 5; i++) await new Promise((resolve) => setImmediate(resolve));
};

/** A driver of which a test says when and how its calls end. */
export class Cameras implements SourceDriver {
  readonly name = 'cameras';
  readonly calls: string[] = [];
  readonly running = new Map<string, SourceRun>();
  /** What the next starts and stops wait for, or fail with. */
  onStart: (stream: string) => Promise<void> | void = () => undefined;
  onStop: (stream: string) => Promise<void> | void = () => undefined;

  async start({ stream }: { stream: string }, run: SourceRun): Promise<void> {
    this.calls.push(`start ${stream}`);
    await this.onStart(stream);
    this.running.set(stream, run);
  }

  async stop({ stream }: { stream: string }): Promise<void> {
    this.calls.push(`stop ${stream}`);
    await this.onStop(stream);
    this.running.delete(stream);
  }
}

export interface Studio {
  readonly clock: FakeClock;
  readonly tracker: SessionTracker;
  readonly cameras: Cameras;
  readonly sources: Sources;
  /** `cam1 waking`, as they are told. */
  readonly told: string[];
  /** A request of a viewer; its session lives for 30 s. */
  hit(more?: Partial<HttpHit>): void;
  /** Lets time pass, a second at a time, with what promises make of it. */
  pass(ms: number): Promise<void>;
}

const open: Studio[] = [];

/** A tracker with sources on a fake clock. `closeStudios()` ends it. */
export function studio(options: Partial<SourcesOptions> = {}, trackerOptions: TrackerOptions = {}): Studio {
  const clock = fakeClock();
  const tracker = createTracker({ clock, logger: silent, ...trackerOptions });
  const cameras = new Cameras();
  const told: string[] = [];
  tracker.on('source', ({ stream, change }) => void told.push(`${stream} ${change}`));
  const rules = [{ pattern: 'cam{n}', driver: cameras }];
  const sources = createSources(tracker, { sources: rules, clock, logger: silent, ...options });
  const one: Studio = {
    ...{ clock, tracker, cameras, sources, told },
    hit: (more) => void tracker.trackHttp({ stream: 'cam1', protocol: 'hls', ip: '203.0.113.7', ...more }),
    async pass(ms) {
      for (let left = ms; left > 0; left -= 1_000) {
        clock.advance(Math.min(1_000, left));
        await turn();
      }
    },
  };
  open.push(one);
  return one;
}

/** For `afterEach`. */
export async function closeStudios(): Promise<void> {
  for (const { tracker, sources } of open.splice(0)) {
    await sources.close();
    await tracker.stop();
  }
}
