import type { Socket } from 'node:net';
import { RtmpScanner } from './rtmp-scanner.js';

export interface Limits {
  readonly startTimeoutMs: number;
  readonly maxMessageBytes: number;
}

export interface Shield {
  /** Gives the server what was read before. */
  feed(data: Buffer): void;
  remove(): void;
}

type OnData = (data: Buffer) => void;

/**
 * Puts itself between an RTMP connection and the server, which has just begun to listen to it: what the server cannot bear ends
 * the connection and not the process. `begun` is called when the client has asked to play or publish.
 */
export function shieldSocket(socket: Socket, limits: Limits, begun: () => void): Shield {
  const { startTimeoutMs, maxMessageBytes } = limits;
  const shielded = socket.listeners('data') as OnData[];
  const scanner = new RtmpScanner(maxMessageBytes);
  const timer = startTimeoutMs > 0 ? setTimeout(() => socket.destroy(), startTimeoutMs).unref() : undefined;
  let waits = true;
  const onData: OnData = (data) => {
    // A destroyed socket may still bring what it had read.
    if (socket.destroyed) return;
    if (scanner.scan(data) !== undefined) return void socket.destroy();
    if (waits && scanner.hasBegun) {
      waits = false;
      clearTimeout(timer);
      begun();
    }
    try {
      for (const listener of shielded) listener.call(socket, data);
    } catch {
      socket.destroy();
    }
  };
  const onClose = (): void => clearTimeout(timer);
  for (const listener of shielded) socket.off('data', listener);
  socket.on('data', onData);
  socket.once('close', onClose);
  return {
    feed: onData,
    remove() {
      clearTimeout(timer);
      socket.off('close', onClose);
      if (!socket.listeners('data').includes(onData)) return;
      socket.off('data', onData);
      for (const listener of shielded) socket.on('data', listener);
    },
  };
}
