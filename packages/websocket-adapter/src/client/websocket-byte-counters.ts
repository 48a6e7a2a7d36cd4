import type { Socket } from 'node:net';
import { SocketByteCounters } from '@stream-sessions/core/spi';
import type { ServerWebSocket } from '../server.js';

/** Readings come once a second. Of a longer time this process was asleep: nobody could have been heard. */
const LONGEST_STEP_MS = 2_000;

/** Those who came together are not pinged together: a part of them each second. */
const PARTS = 16;
let turn = 0;

/** Times are kept since then: V8 keeps small integers in the object itself, and others beside it. */
const EPOCH = Date.now();

/**
 * The bytes of a connection since its upgrade, both ways, and how long nothing was heard of its peer: a half-open connection
 * looks like a patient client, until it is pinged.
 */
export class WebSocketByteCounters extends SocketByteCounters {
  private silentMs: number;
  private latest = 0;
  private heard = 0;
  /** Since the epoch. */
  private lookedAt: number | undefined = undefined;
  private isAsked = false;

  constructor(
    readonly ws: ServerWebSocket,
    socket: Socket,
    private readonly silenceTimeoutMs: number,
  ) {
    // What came with the request, or while it waited for its answer, has been read from the socket before.
    super(socket, socket.readableLength);
    this.silentMs = ((turn++ % PARTS) / PARTS / 2) * silenceTimeoutMs;
  }

  override received(): number {
    return (this.latest = super.received());
  }

  /** Also what is still to be compressed. */
  override waiting(): number {
    return this.ws.bufferedAmount;
  }

  isGone(now: number): boolean {
    const { ws, silenceTimeoutMs } = this;
    if (silenceTimeoutMs === 0) return false;
    const at = now - EPOCH;
    const stepMs = Math.min(Math.max(at - (this.lookedAt ?? at), 0), LONGEST_STEP_MS);
    this.lookedAt = at;
    // read just now, with the bytes
    const received = this.latest;
    // An app that has paused it hears nothing; and what waits for it stands before every ping: the sampler says if it stalls.
    if (received > this.heard || ws.isPaused || ws.bufferedAmount > 0) {
      this.heard = received;
      this.silentMs = 0;
      this.isAsked = false;
      return false;
    }
    this.silentMs += stepMs;
    if (!this.isAsked && this.silentMs >= silenceTimeoutMs / 2) {
      this.isAsked = true;
      ws.ping();
    }
    return this.silentMs >= silenceTimeoutMs;
  }
}
