import type { EventSink } from '../../types/event.js';
import type { WireEvent } from '../../types/wire.js';
import type { SkippedCase } from '../suite.js';

/** A sink, and a way to see what arrives at its destination. */
export interface RunningSink {
  sink: EventSink;
  /** What has arrived there, in order. */
  arrived(): readonly WireEvent[] | Promise<readonly WireEvent[]>;
  /** Makes the destination fail until `recover`. Absent if it cannot fail: skip that case then. */
  breakDown?(): unknown;
  recover?(): unknown;
  /** Stops everything that was started. The sink has been closed by then. */
  stop?(): unknown;
}

/** What a sink provides to run `sinkContract`. */
export interface SinkHarness {
  /** Names the suite. */
  name: string;
  /** Creates a fresh sink with its own destination. */
  start(): RunningSink | Promise<RunningSink>;
  /** Cases that this sink cannot run, each with its reason. Default: none. */
  skip?: readonly SkippedCase[];
}
