import type { IncomingMessage } from 'node:http';

/** What a server says of a client that asks for an upgrade: ws's `verifyClient`. */
export interface UpgradeInfo {
  readonly origin: string;
  readonly secure: boolean;
  readonly req: IncomingMessage;
}

/** Ends the question: upgrades the client, or answers it by a status of HTTP. */
export type UpgradeAnswer = (
  verified: boolean,
  status?: number,
  text?: string,
  headers?: Record<string, string>,
) => void;

/** The two forms of ws's `verifyClient`: it returns its answer, or has two parameters and calls the second. */
export type VerifyClient = (info: UpgradeInfo, answer: UpgradeAnswer) => unknown;

/** A WebSocket of `ws` on the server's side, as far as it is needed here. */
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

/** A `WebSocketServer` of `ws`, as far as it is needed here. */
export interface WebSocketServerLike {
  readonly options: object;
  readonly handleUpgrade: (...args: never[]) => void;
}
