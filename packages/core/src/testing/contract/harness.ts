import type { SessionTracker } from '../../types/tracker.js';
import type { SkippedCase } from '../suite.js';

/** How a client of the contract asks to play or publish. */
export interface PlayRequest {
  stream: string;
  /** Carried as the transport carries viewer tokens. */
  token?: string;
  userAgent?: string;
}

/** A client that plays or publishes over the transport under test: a real one, over a real socket. */
export interface PlayedClient {
  /** Bytes of media that this client has received so far; 0 for a publisher. */
  received(): number;
  /** True, or resolved, once its connection has ended, whichever side ended it, even if it was refused. */
  readonly ended: boolean | Promise<unknown>;
  /** Disappears without notice, like a player that lost its network. */
  drop(): void | Promise<void>;
  /** What the transport said when it refused the client, if it can say anything. */
  refusal?(): unknown;
}

/** A server with the adapter under test attached. */
export interface RunningTransport {
  /**
   * Starts a client and returns it as soon as it has asked: it must not wait for the answer or for media. There has to
   * be media on every stream as long as the transport runs; its publisher may show up as an `input`.
   */
  play(request: PlayRequest): PlayedClient | Promise<PlayedClient>;
  /** Absent if nobody can publish over this transport. The cases about publishers must then be skipped. */
  publish?(request: PlayRequest): PlayedClient | Promise<PlayedClient>;
  /** Detaches the adapter from the server, which keeps running. */
  detach(): unknown;
  /** Stops the server and everything else that was started. */
  stop(): unknown;
}

/** What an adapter provides to run `transportContract`. */
export interface TransportHarness {
  /** Names the suite. */
  name: string;
  /** The `protocol` of sessions over this transport. */
  protocol: string;
  /** Starts a fresh server on its own port, attached to this tracker. */
  start(tracker: SessionTracker): RunningTransport | Promise<RunningTransport>;
  /** Cases that this transport cannot run, each with its reason. Default: none. */
  skip?: readonly SkippedCase[];
}
