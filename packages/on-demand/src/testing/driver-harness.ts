import type { SourceDriver } from '../driver.js';

/** A driver with nothing running, and how the suite observes what it does. */
export interface RunningDriver {
  readonly driver: SourceDriver;
  /** Whether the source of this stream is actually running, whatever the driver says. */
  isRunning(stream: string): boolean | Promise<boolean>;
  /** Ends a source without the driver's knowledge. */
  crash(stream: string): unknown;
  /** Makes whatever the driver talks to unreachable. Absent: impossible; the case about it then has to be skipped. */
  breakDown?(): unknown;
  /** Stops everything that was started. The driver has been closed by then. */
  stop?(): unknown;
}

/** What a driver provides to run `driverContract`. */
export interface DriverHarness {
  /** Names the suite. */
  readonly name: string;
  /** The driver is given streams like `cam-1`, whose placeholder `{n}` is `1`. */
  start(): RunningDriver | Promise<RunningDriver>;
  /** Cases that this driver cannot run, each with its reason. Default: none. */
  readonly skip?: readonly { readonly case: string; readonly reason: string }[];
}
