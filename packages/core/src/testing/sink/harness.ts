import type { EventSink } from '../../types/event.js';
import type { WireEvent } from '../../types/wire.js';
import type { SkippedCase } from '../suite.js';

/** A sink, and a look at where it takes the events. */
export interface RunningSink {
  sink: EventSink;
  /** What has arrived there, in order. */
  arrived(): readonly WireEvent[] | Promise<readonly WireEvent[]>;
  /** Makes that place fail, until `recover`. Absent: it cannot. The case about it has to be skipped then. */
  breakDown?(): unknown;
  recover?(): unknown;
  /** Ends whatever was started. The sink is closed by then. */
  stop?(): unknown;
}

/** What a sink brings to run `sinkContract`. */
export interface SinkHarness {
  /** Names the suite. */
  name: string;
  /** A fresh sink with a place of its own to take events to. */
  start(): RunningSink | Promise<RunningSink>;
  /** Cases that this sink cannot run, each with its reason. Default: none. */
  skip?: readonly SkippedCase[];
}
