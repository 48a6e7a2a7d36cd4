/** Somebody who says at intervals that they are there. Times are in epoch milliseconds. */
export interface Connection {
  /** Unique. */
  readonly id: string;
  /** The code of the stream that is watched. */
  readonly sessionId: string;
  /** Whose it is, as far as the app knows; `''` if it does not. */
  readonly userId: string;
  readonly clientIp: string;
  readonly userAgent: string;
  readonly connectedAt: number;
  /** When it was heard of last. */
  readonly lastHeartbeat: number;
}

/** A connection that begins now. */
export interface NewConnection {
  /** Default: a new UUID. At most 256 characters. */
  readonly id?: string | undefined;
  /** The code of the stream. */
  readonly sessionId: string;
  readonly userId?: string | undefined;
  readonly clientIp: string;
  readonly userAgent?: string | undefined;
  /** The viewer token and CMCD `sid` of its media requests: by these it is the same viewer. */
  readonly token?: string | undefined;
  readonly sid?: string | undefined;
  /**
   * For a connection that the app has itself, `websocket`, `vnc` or your own word: it is a session of its own in the tracker, which
   * ends with it. Default `heartbeat`: it joins the row of its viewer.
   */
  readonly protocol?: string | undefined;
}

/** What became of `addConnection`. */
export type Added =
  | { readonly admitted: true; readonly connection: Connection }
  /** Refused by a denial, a cap or a policy of the tracker. `reason`: in a word. */
  | { readonly admitted: false; readonly reason: string; readonly status: number };

/** Figures of a connection tracker. */
export interface ConnectionStats {
  /** Active now. */
  readonly activeConnections: number;
  /** How many streams they watch. */
  readonly streams: number;
  /** Since it was made: added, removed by their own word, found to be silent, and refused or kicked. */
  readonly added: number;
  readonly removed: number;
  readonly stale: number;
  readonly refused: number;
}

/** Connections with heartbeats, beside the viewers of a tracker. Connections that are returned are copies. */
export interface ConnectionTracker {
  /** Begins to take off those who fall silent. Safe to call twice. Adding the first connection does it too. */
  start(): void;
  /**
   * Ends that, and all connections. Safe to call twice; `start` may follow. `keep`, with a state store: they go on in the next
   * process, as those of a process that was killed do.
   */
  stop(options?: { readonly keep?: boolean }): void;
  /** Resolves when the connections of an earlier process are there again; at once without a state store. Never rejects. */
  readonly ready: Promise<void>;
  /**
   * A connection begins. It is asked of the tracker's denials and policies, as a request of its viewer would be.
   *
   * @throws StreamSessionsError ERR_CONNECTION_EXISTS, and the first is kept; ERR_BAD_CONNECTION; ERR_TOO_MANY_CONNECTIONS
   */
  addConnection(connection: NewConnection): Promise<Added>;
  /**
   * It was heard of.
   *
   * @throws StreamSessionsError ERR_CONNECTION_NOT_FOUND: unknown, silent for too long, removed, or kicked.
   */
  updateHeartbeat(id: string): void;
  /** It has gone. One that is unknown is no error. */
  removeConnection(id: string): void;
  /** Undefined: it is not active. */
  getConnection(id: string): Connection | undefined;
  /** Those who are active on a stream. */
  getActiveConnections(sessionId: string): Connection[];
  /** How many are active on a stream. */
  getConnectionCount(sessionId: string): number;
  getStats(): ConnectionStats;
}
