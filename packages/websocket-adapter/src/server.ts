import type { IncomingMessage } from 'node:http';

/** What a server knows about a client that requests an upgrade: the argument of ws's `verifyClient`. */
export interface UpgradeInfo {
  readonly origin: string;
  readonly secure: boolean;
  readonly req: IncomingMessage;
}

/** Answers the request: upgrades the client, or responds with an HTTP status. */
export type UpgradeAnswer = (
  verified: boolean,
  status?: number,
  text?: string,
  headers?: Record<string, string>,
) => void;

/** The two forms of ws's `verifyClient`: it returns its answer, or has two parameters and calls the second. */
export type VerifyClient = (info: UpgradeInfo, answer: UpgradeAnswer) => unknown;

/** The part of a server-side WebSocket of `ws` that is used here. */
export interface ServerWebSocket {
  readonly readyState: number;
  readonly bufferedAmount: number;
  readonly isPaused: boolean;
  on(event: 'error', listener: () => void): unknown;
  resume(): void;
  ping(): void;
  close(code: number, reason: string): void;
  terminate(): void;
}

/** The part of a `WebSocketServer` of `ws` that is used here. */
export interface WebSocketServerLike {
  readonly options: object;
  readonly handleUpgrade: (...args: never[]) => void;
}
