import { monotonic, type Clock } from '../support/clock.js';
import type { Registry } from './registry.js';
import type { Totals } from './totals.js';

/** A rate covers the last five to ten seconds, unless the caller asks for another window. */
const WINDOW_MS = 10_000;
/** Rates are sampled once a second. */
const SHORTEST_WINDOW_MS = 2_000;
/** A stream that is not live is no longer measured once nobody has asked about it for this long. */
const FORGET_MS = 60_000;
/** A sample that is due once a second did not come. */
const LATE_MS = 2_000;
/** The most streams that are measured. */
const MAX_METERS = 10_000;

interface Sample {
  readonly at: number;
  readonly bytes: number;
}

interface Meter {
  /** '' means all streams. */
  readonly stream: string;
  readonly halfWindowMs: number;
  older: Sample;
  newer: Sample;
  /** The end of the window. It moves only with regular samples, because connections are credited all at once, once a second. */
  latest: Sample;
  askedAt: number;
}

/** How fast bytes are sent, in total and for each stream that somebody asks about. Only those cost anything, once a second. */
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

  /** Megabits per second; 0 if the stream was first asked about only a moment ago. */
  mbits(stream: string, windowMs = WINDOW_MS): number {
    const key = `${windowMs} ${stream}`;
    const now = monotonic(this.clock);
    const bytes = this.bytesOf(stream);
    let meter = this.meters.get(key);
    // a stream that came back is counted anew
    if (meter === undefined || bytes < meter.latest.bytes) {
      if (meter === undefined && this.meters.size >= MAX_METERS) return 0;
      const first = { at: now, bytes };
      const halfWindowMs = Math.max(windowMs, SHORTEST_WINDOW_MS) / 2;
      const samples = { older: first, newer: first, latest: first };
      this.meters.set(key, (meter = { stream, halfWindowMs, ...samples, askedAt: now }));
    }
    meter.askedAt = now;
    // nothing samples: the sweeper was never started
    if (now - meter.latest.at > LATE_MS) this.sample(meter, { at: now, bytes });
    const { older, latest } = meter;
    const ms = latest.at - older.at;
    return ms > 0 ? ((latest.bytes - older.bytes) * 8) / 1_000 / ms : 0;
  }

  /** Must be called once a second. */
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
