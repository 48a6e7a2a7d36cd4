import type { SourceDriver } from '../driver.js';

/** A driver with nothing running, and how the suite looks at what it does. */
export interface RunningDriver {
  readonly driver: SourceDriver;
  /** Whether the source of this stream runs, not as the driver says it but as it is. */
  isRunning(stream: string): boolean | Promise<boolean>;
  /** Ends a source behind the driver's back. */
  crash(stream: string): unknown;
  /** Makes whatever the driver talks to unreachable. Absent: it cannot be. The case about it has to be skipped then. */
  breakDown?(): unknown;
  /** Ends whatever was started. The driver is closed by then. */
  stop?(): unknown;
}

/** What a driver brings to run `driverContract`. */
export interface DriverHarness {
  /** Names the suite. */
  readonly name: string;
  /** The driver is asked about streams like `cam-1`, whose placeholder `{n}` is `1`. */
  start(): RunningDriver | Promise<RunningDriver>;
  /** Cases that this driver cannot run, each with its reason. Default: none. */
  readonly skip?: readonly { readonly case: string; readonly reason: string }[];
}
