import type { CloseReason } from '@stream-sessions/core';
import { destroyLater } from '@stream-sessions/core/spi';
import type { ServerWebSocket } from '../server.js';

/** Of UTF-8 a close frame takes 123 bytes. */
const MAX_REASON_BYTES = 120;
const GOING_AWAY = 1001;
const CUT = 4403;

/** Nobody is at the other end, or nothing gets there. */
const UNHEARD: ReadonlySet<CloseReason> = new Set(['client_gone', 'stalled']);

/** Ends a WebSocket: with a close code and the reason, and in any case within a moment. */
export function farewell(ws: ServerWebSocket & { emit?: unknown }, reason: CloseReason): void {
  takeNothing(ws);
  // With media still waiting in front of it the word would come too late, and the media with it.
  if (UNHEARD.has(reason) || ws.bufferedAmount > 0) return ws.terminate();
  const text = Buffer.from(reason)
    .subarray(0, MAX_REASON_BYTES)
    .toString()
    .replace(/\uFFFD$/, '');
  ws.close(reason === 'shutdown' ? GOING_AWAY : CUT, text);
  destroyLater({ destroy: () => ws.terminate() });
}

/** Its answer to the close has still to be read; what else it sends is not for the app any more. */
function takeNothing(ws: { emit?: unknown }): void {
  const emit = ws.emit as (this: unknown, ...args: unknown[]) => boolean;
  ws.emit = function (this: unknown, ...args: unknown[]): boolean {
    return args[0] !== 'message' && emit.apply(this, args);
  };
}
