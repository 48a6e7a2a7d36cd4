import type { SessionKind } from '../types/kinds.js';
import type { Limits } from '../types/limits.js';
import { Overrun } from './overrun.js';
import { RateWindow } from './rate-window.js';

/** A picture often begins with what the server has kept of the last seconds: that does not count as too fast. */
const BEGINNING_MS = 2000;
/** Above its limit for so long is too fast. */
const TOO_LONG_MS = 10_000;

/** A rate, and the limit that it is above. Megabits per second. */
export interface Excess {
  readonly direction: 'down' | 'up';
  readonly mbits: number;
  readonly limit: number;
}

/** One direction: how fast bytes flow, and whether it is too fast. */
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
  /** Epoch ms: when to look whether connections carry too much; Infinity: there are none. */
  lookAt = Infinity;
  /** Epoch ms: before, nobody can have been above a limit for too long. */
  private readonly judgedFrom: number;

  constructor({ downMbits, upMbits }: Limits, now: number) {
    this.sent = new Flow('down', downMbits, now);
    this.received = new Flow('up', upMbits, now);
    this.judgedFrom = now + BEGINNING_MS + TOO_LONG_MS;
  }

  /** There are connections, and somebody has to look. True: nobody did yet. */
  watch(): boolean {
    if (this.lookAt < Infinity) return false;
    this.lookAt = this.judgedFrom;
    return true;
  }

  /** In the direction that media takes. Megabits per second. */
  mbits(kind: SessionKind, now: number): number {
    return (kind === 'input' ? this.received : this.sent).mbits(now);
  }

  /** Above a limit for too long; undefined: it is not. */
  excess(now: number): Excess | undefined {
    return this.sent.excess(now) ?? this.received.excess(now);
  }
}
