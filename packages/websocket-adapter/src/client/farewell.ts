import type { CloseReason } from '@stream-sessions/core';
import { destroyLater } from '@stream-sessions/core/spi';
import type { ServerWebSocket } from '../server.js';

/** Of UTF-8 a close frame takes 123 bytes. */
const MAX_REASON_BYTES = 120;
/** What RFC 6455 has a code for; everything else is 4000 and HTTP's status. */
const CODES: Readonly<Record<string, number>> = {
  stream_ended: 1000,
  shutdown: 1001,
  transport_error: 1011,
  no_desktop: 4404,
};
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
  // Its answer may stand behind what an app has not read.
  ws.resume();
  ws.close(CODES[reason] ?? CUT, text);
  destroyLater({ destroy: () => ws.terminate() });
}

/** Its answer to the close has still to be read; what else it sends is not for the app any more. */
function takeNothing(ws: { emit?: unknown }): void {
  const emit = ws.emit as (this: unknown, ...args: unknown[]) => boolean;
  ws.emit = function (this: unknown, ...args: unknown[]): boolean {
    return args[0] !== 'message' && emit.apply(this, args);
  };
}
