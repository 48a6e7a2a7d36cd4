import type { CloseReason } from '@stream-sessions/core';
import { destroyLater } from '@stream-sessions/core/spi';
import type { ServerWebSocket } from '../server.js';

/** A close frame has room for 123 bytes of UTF-8. */
const MAX_REASON_BYTES = 120;
/** Reasons for which RFC 6455 has a code; everything else is 4000 plus the HTTP status. */
const CODES: Readonly<Record<string, number>> = {
  stream_ended: 1000,
  shutdown: 1001,
  transport_error: 1011,
  no_desktop: 4404,
};
const CUT = 4403;

/** Nobody is at the other end, or nothing reaches it. */
const UNHEARD: ReadonlySet<CloseReason> = new Set(['client_gone', 'stalled']);

/** Closes a WebSocket with a close code and the reason, and in any case within a moment. */
export function farewell(ws: ServerWebSocket & { emit?: unknown }, reason: CloseReason): void {
  takeNothing(ws);
  // If media is still queued ahead of it, the message would arrive too late, after that media.
  if (UNHEARD.has(reason) || ws.bufferedAmount > 0) return ws.terminate();
  const text = Buffer.from(reason)
    .subarray(0, MAX_REASON_BYTES)
    .toString()
    .replace(/\uFFFD$/, '');
  // The response may be queued behind data that the app has not read.
  ws.resume();
  ws.close(CODES[reason] ?? CUT, text);
  destroyLater({ destroy: () => ws.terminate() });
}

/** The response to the close still has to be read; anything else it sends is no longer passed to the app. */
function takeNothing(ws: { emit?: unknown }): void {
  const emit = ws.emit as (this: unknown, ...args: unknown[]) => boolean;
  ws.emit = function (this: unknown, ...args: unknown[]): boolean {
    return args[0] !== 'message' && emit.apply(this, args);
  };
}
