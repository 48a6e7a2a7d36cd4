import { monotonic, type Clock } from '../support/clock.js';
import type { Registry } from './registry.js';
import type { Totals } from './totals.js';

/** A rate is that of the last five to ten seconds, unless who asks says otherwise. */
const WINDOW_MS = 10_000;
/** It is sampled once a second. */
const SHORTEST_WINDOW_MS = 2_000;
/** Nobody has asked for so long about a stream that is not live: it is not measured any more. */
const FORGET_MS = 60_000;
/** A look that is due once a second did not come. */
const LATE_MS = 2_000;
/** So many streams are measured at the most. */
const MAX_METERS = 10_000;

interface Sample {
  readonly at: number;
  readonly bytes: number;
}

interface Meter {
  /** '' is all. */
  readonly stream: string;
  readonly halfWindowMs: number;
  older: Sample;
  newer: Sample;
  /** The end of the window: a look like the others, for connections are credited once a second, all at once. */
  latest: Sample;
  askedAt: number;
}

/** How fast bytes are sent, to all and to each stream that somebody asks about. Costs those, once a second. */
export class Rates {
  /** By window and stream. */
  private readonly meters = new Map<string, Meter>();

  constructor(
    private readonly registry: Registry,
    private readonly totals: Totals,
    private readonly clock: Clock,
  ) {
    this.mbits('', WINDOW_MS);
  }

  /** Megabits per second; 0 when it was first asked about a moment ago. */
  mbits(stream: string, windowMs = WINDOW_MS): number {
    const key = `${windowMs} ${stream}`;
    const now = monotonic(this.clock);
    const bytes = this.bytesOf(stream);
    let meter = this.meters.get(key);
    // a stream that came back counts anew
    if (meter === undefined || bytes < meter.latest.bytes) {
      if (meter === undefined && this.meters.size >= MAX_METERS) return 0;
      const first = { at: now, bytes };
      const halfWindowMs = Math.max(windowMs, SHORTEST_WINDOW_MS) / 2;
      const samples = { older: first, newer: first, latest: first };
      this.meters.set(key, (meter = { stream, halfWindowMs, ...samples, askedAt: now }));
    }
    meter.askedAt = now;
    // nobody looks: the sweeper was never started
    if (now - meter.latest.at > LATE_MS) this.sample(meter, { at: now, bytes });
    const { older, latest } = meter;
    const ms = latest.at - older.at;
    return ms > 0 ? ((latest.bytes - older.bytes) * 8) / 1_000 / ms : 0;
  }

  /** To be called once a second. */
  tick(): void {
    const now = monotonic(this.clock);
    for (const [key, meter] of this.meters) {
      const { stream, askedAt } = meter;
      const isLive = stream === '' || this.registry.liveStreams.get(stream) !== undefined;
      if (!isLive && now - askedAt > FORGET_MS) this.meters.delete(key);
      else this.sample(meter, { at: now, bytes: this.bytesOf(stream) });
    }
  }

  private sample(meter: Meter, sample: Sample): void {
    meter.latest = sample;
    if (sample.at - meter.newer.at < meter.halfWindowMs) return;
    meter.older = meter.newer;
    meter.newer = sample;
  }

  private bytesOf(stream: string): number {
    return stream === '' ? this.totals.bytes : this.registry.liveStreams.bytesOf(stream);
  }
}
