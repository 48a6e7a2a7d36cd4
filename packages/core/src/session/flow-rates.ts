import type { SessionKind } from '../types/kinds.js';
import type { Limits } from '../types/limits.js';
import { Overrun } from './overrun.js';
import { RateWindow } from './rate-window.js';

/** Streams often begin with a few seconds that the server has buffered: that does not count as too fast. Milliseconds. */
const BEGINNING_MS = 2000;
/** Exceeding a limit for this long is too fast. Milliseconds. */
const TOO_LONG_MS = 10_000;

/** A rate and the limit that it exceeds. Megabits per second. */
export interface Excess {
  readonly direction: 'down' | 'up';
  readonly mbits: number;
  readonly limit: number;
}

/** One direction: how fast bytes flow, and whether that is too fast. */
class Flow {
  private readonly rate: RateWindow;
  private readonly overrun: Overrun | undefined;

  constructor(
    private readonly direction: 'down' | 'up',
    private readonly limit: number | undefined,
    now: number,
  ) {
    this.rate = new RateWindow(now);
    this.overrun = limit === undefined ? undefined : new Overrun(limit, now + BEGINNING_MS);
  }

  add(bytes: number, now: number): void {
    this.rate.add(bytes, now);
    this.overrun?.add(bytes, now);
  }

  mbits(now: number): number {
    return this.rate.mbits(now);
  }

  excess(now: number): Excess | undefined {
    const { overrun, limit, direction } = this;
    if (limit === undefined || overrun === undefined || overrun.lastsMs(now) < TOO_LONG_MS) return undefined;
    return { direction, mbits: this.mbits(now), limit };
  }
}

/** How fast the bytes of a session with limits flow, in each direction. */
export class FlowRates {
  readonly sent: Flow;
  readonly received: Flow;
  /** Epoch milliseconds: when to check whether connections exceed the limits; Infinity: there are no connections. */
  lookAt = Infinity;
  /** Epoch milliseconds: nobody can have exceeded a limit for too long before this. */
  private readonly judgedFrom: number;

  constructor({ downMbits, upMbits }: Limits, now: number) {
    this.sent = new Flow('down', downMbits, now);
    this.received = new Flow('up', upMbits, now);
    this.judgedFrom = now + BEGINNING_MS + TOO_LONG_MS;
  }

  /** There are connections, so rates have to be checked. True: they were not checked before. */
  watch(): boolean {
    if (this.lookAt < Infinity) return false;
    this.lookAt = this.judgedFrom;
    return true;
  }

  /** The rate in the direction of the media. Megabits per second. */
  mbits(kind: SessionKind, now: number): number {
    return (kind === 'input' ? this.received : this.sent).mbits(now);
  }

  /** The limit that has been exceeded for too long; undefined: none. */
  excess(now: number): Excess | undefined {
    return this.sent.excess(now) ?? this.received.excess(now);
  }
}
