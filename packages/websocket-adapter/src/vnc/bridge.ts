import type { Socket } from 'node:net';
import type { CloseReason } from '@stream-sessions/core';
import type { RawData, WebSocket } from 'ws';

/** How much may wait for a viewer before the desktop has to wait. Bytes. */
const HIGH_WATER = 256 * 1024;

/**
 * Passes RFB between a WebSocket and a desktop, in each direction no faster than the other side takes it.
 *
 * @param stallTimeoutMs A desktop that takes nothing for this long is given up. Milliseconds; 0 = never.
 * @param end Called when the desktop has gone, or the viewer does not speak RFB
 */
export function bridge(
  ws: WebSocket,
  desktop: Socket,
  stallTimeoutMs: number,
  end: (reason: CloseReason) => void,
): void {
  let stuck: NodeJS.Timeout | undefined;
  const unstuck = (): void => {
    clearTimeout(stuck);
    stuck = undefined;
  };
  ws.on('message', (data: RawData, isBinary) => {
    if (!isBinary) return end('transport_error');
    if (desktop.write(data as Buffer)) return;
    // While it is paused, a viewer that hangs up goes unnoticed.
    ws.pause();
    if (stallTimeoutMs > 0) stuck ??= setTimeout(() => end('transport_error'), stallTimeoutMs);
  });
  desktop.on('drain', () => {
    unstuck();
    ws.resume();
  });
  const taken = (): void => {
    if (desktop.isPaused() && ws.bufferedAmount <= HIGH_WATER / 2) desktop.resume();
  };
  desktop.on('data', (data) => {
    ws.send(data, taken);
    if (ws.bufferedAmount > HIGH_WATER) desktop.pause();
  });
  desktop.on('error', () => end('transport_error'));
  desktop.on('end', () => end('stream_ended'));
  desktop.on('close', () => {
    unstuck();
    end('stream_ended');
  });
  ws.on('close', () => desktop.destroy());
  ws.resume();
}
