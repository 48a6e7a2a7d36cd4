import { monotonic, type Clock } from '../support/clock.js';
import type { Registry } from './registry.js';
import type { Totals } from './totals.js';

/** A rate is that of the last five to ten seconds. */
const HALF_WINDOW_MS = 5_000;
/** Nobody has asked for so long: it is not measured any more. */
const FORGET_MS = 60_000;
/** So many streams are measured at the most. */
const MAX_METERS = 10_000;

interface Sample {
  readonly at: number;
  readonly bytes: number;
}

interface Meter {
  older: Sample;
  newer: Sample;
  askedAt: number;
}

/** How fast bytes are sent, to all and to each stream that somebody asks about. Costs those, once a second. */
export class Rates {
  /** By stream; '' is all. */
  private readonly meters = new Map<string, Meter>();

  constructor(
    private readonly registry: Registry,
    private readonly totals: Totals,
    private readonly clock: Clock,
  ) {
    this.mbits('');
  }

  /** Megabits per second; 0 when it was first asked about a moment ago. */
  mbits(stream: string): number {
    const now = monotonic(this.clock);
    const bytes = this.bytesOf(stream);
    let meter = this.meters.get(stream);
    // a stream that came back counts anew
    if (meter === undefined || bytes < meter.newer.bytes) {
      if (meter === undefined && this.meters.size >= MAX_METERS) return 0;
      const first = { at: now, bytes };
      this.meters.set(stream, (meter = { older: first, newer: first, askedAt: now }));
    }
    meter.askedAt = now;
    this.sample(meter, now, bytes);
    const ms = now - meter.older.at;
    return ms > 0 ? ((bytes - meter.older.bytes) * 8) / 1_000 / ms : 0;
  }

  /** To be called once a second. */
  tick(): void {
    const now = monotonic(this.clock);
    for (const [stream, meter] of this.meters) {
      if (stream !== '' && now - meter.askedAt > FORGET_MS) this.meters.delete(stream);
      else this.sample(meter, now, this.bytesOf(stream));
    }
  }

  private sample(meter: Meter, now: number, bytes: number): void {
    if (now - meter.newer.at < HALF_WINDOW_MS) return;
    meter.older = meter.newer;
    meter.newer = { at: now, bytes };
  }

  private bytesOf(stream: string): number {
    return stream === '' ? this.totals.bytes : this.registry.liveStreams.bytesOf(stream);
  }
}
