import type { SessionTracker } from '../../types/tracker.js';
import type { SkippedCase } from '../suite.js';

/** A server that serves the media folder through the adapter under test. */
export interface RunningHttp {
  /** Where the files of the folder are served: with `http://127.0.0.1:8080/live`, `<url>/cam1/index.m3u8`. */
  url: string;
  /** Stops the server and everything else that was started. */
  stop(): unknown;
}

/** What an adapter for an HTTP framework provides to run `httpContract`. */
export interface HttpHarness {
  /** Names the suite. */
  name: string;
  /**
   * Starts a fresh server on its own port that serves this folder, each request through the adapter with this tracker.
   * The folder's directories are the streams: `cam1/seg0.ts` belongs to the stream `cam1`.
   */
  start(tracker: SessionTracker, folder: string): RunningHttp | Promise<RunningHttp>;
  /** Cases that this adapter cannot run, each with its reason. Default: none. */
  skip?: readonly SkippedCase[];
}
