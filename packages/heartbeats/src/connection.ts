/** A connection that sends heartbeats. Times are in epoch milliseconds. */
export interface Connection {
  /** Unique. */
  readonly id: string;
  /** The code of the stream being watched. */
  readonly sessionId: string;
  /** Its user, as far as the app knows; `''` if it does not. */
  readonly userId: string;
  readonly clientIp: string;
  readonly userAgent: string;
  readonly connectedAt: number;
  /** When the last heartbeat came. */
  readonly lastHeartbeat: number;
}

/** A connection that is beginning. */
export interface NewConnection {
  /** Default: a new UUID. At most 256 characters. */
  readonly id?: string | undefined;
  /** The code of the stream. */
  readonly sessionId: string;
  readonly userId?: string | undefined;
  readonly clientIp: string;
  readonly userAgent?: string | undefined;
  /** The viewer token and CMCD `sid` of its media requests, which make it the same viewer. */
  readonly token?: string | undefined;
  readonly sid?: string | undefined;
  /**
   * For a connection that the app itself has, `websocket`, `vnc` or a name of your own: it is a session of its own in the
   * tracker, which ends with it. Default `heartbeat`: it joins the session of its viewer.
   */
  readonly protocol?: string | undefined;
}

/** The result of `addConnection`. */
export type Added =
  | { readonly admitted: true; readonly connection: Connection }
  /** Refused by a denial, a cap or a policy of the tracker. `reason`: one word. */
  | { readonly admitted: false; readonly reason: string; readonly status: number };

/** Statistics of a connection tracker. */
export interface ConnectionStats {
  /** Active now. */
  readonly activeConnections: number;
  /** The number of streams they are watching. */
  readonly streams: number;
  /** Counted since it was created: added, removed on request, found silent, and refused or kicked. */
  readonly added: number;
  readonly removed: number;
  readonly stale: number;
  readonly refused: number;
}

/** Connections with heartbeats, alongside the viewers of a tracker. Returned connections are copies. */
export interface ConnectionTracker {
  /** Starts to remove silent connections. Safe to call twice. Adding the first connection also does this. */
  start(): void;
  /**
   * Stops that, and ends all connections. Safe to call twice; `start` may follow. `keep`, with a state store: they continue in
   * the next process, as after a kill.
   */
  stop(options?: { readonly keep?: boolean }): void;
  /** Resolves when the connections of an earlier process have been restored; at once without a state store. Never rejects. */
  readonly ready: Promise<void>;
  /**
   * Adds a connection. The tracker's denials and policies apply to it as to a request of its viewer.
   *
   * @throws StreamSessionsError ERR_CONNECTION_EXISTS, in which case the first one is kept; ERR_BAD_CONNECTION;
   *   ERR_TOO_MANY_CONNECTIONS
   */
  addConnection(connection: NewConnection): Promise<Added>;
  /**
   * Records a heartbeat.
   *
   * @throws StreamSessionsError ERR_CONNECTION_NOT_FOUND: unknown, silent for too long, removed, or kicked.
   */
  updateHeartbeat(id: string): void;
  /** Removes a connection. An unknown one is not an error. */
  removeConnection(id: string): void;
  /** Undefined: it is not active. */
  getConnection(id: string): Connection | undefined;
  /** The active connections on a stream. */
  getActiveConnections(sessionId: string): Connection[];
  /** The number of active connections on a stream. */
  getConnectionCount(sessionId: string): number;
  getStats(): ConnectionStats;
}
