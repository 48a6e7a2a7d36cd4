import type { CloseReason, ConnHandle, Denial } from '@stream-sessions/core';
import type { ByteCounters, TransportClient } from '@stream-sessions/core/spi';
import type { PlaybackResponse } from '../connect.js';
import { offerPlaySession } from '../request/play-session.js';
import type { RequestInfo } from '../request/request-info.js';
import type { BodyCounter, BodyObserver } from '../response/body-counter.js';
import { countBody } from '../response/count-body.js';
import { limitLate, limitSpeed } from '../speed/limit-speed.js';

/** After how much silence TCP probes whether a client is still there. Milliseconds. */
const KEEP_ALIVE_MS = 30_000;

/** A long-lived response, as its `TransportConnection` needs it: a connection like any other, from its first byte to its last. */
export class StreamClient implements TransportClient, ByteCounters, BodyObserver {
  nextObserver: BodyObserver | undefined = undefined;
  handle!: ConnHandle;
  private body: BodyCounter | undefined = undefined;
  private isPaused = false;
  private isOver = false;

  constructor(
    private readonly seen: RequestInfo,
    private readonly res: PlaybackResponse,
    /** The tracker of this viewer. */
    readonly tracker: unknown,
    private readonly next: () => void,
    private readonly refuse: (denial: Denial) => void,
    private readonly onEnd: (reason: CloseReason) => void,
  ) {}

  /** The tracker has been asked: continues, unless the answer is pending or was a refusal. */
  asked(): void {
    if (!this.isPaused && !this.isOver) this.next();
  }

  counters(handle: ConnHandle): ByteCounters {
    const { seen, res } = this;
    this.handle = handle;
    offerPlaySession(seen.req, handle);
    const body = (this.body = countBody(seen, res));
    this.nextObserver = body.observers;
    body.observers = this;
    limitSpeed(body, handle, false);
    // an HTTP/2 stream has no socket of its own
    if (seen.outlet === seen.socket) seen.socket.setKeepAlive(true, KEEP_ALIVE_MS);
    return this;
  }

  pause(): void {
    this.isPaused = true;
  }

  resume(): void {
    this.isPaused = false;
    if (!this.isOver && !this.seen.outlet.destroyed) this.next();
  }

  reject(denial: Denial): void {
    this.isOver = true;
    this.refuse(denial);
  }

  destroy(): void {
    this.isOver = true;
    this.body?.freeze();
    if (this.body !== undefined) this.body.sever();
    else this.seen.outlet.destroy();
  }

  dispose(): void {
    // The response belongs to the app.
  }

  sent(): number {
    return this.body?.counts ? this.body.handed() : 0;
  }

  waiting(): number {
    return this.body === undefined ? 0 : this.body.written - this.body.handed();
  }

  begun(): void {
    // Nothing to do: the session was listed when it was admitted.
  }

  sample(): void {
    if (this.body === undefined || this.isOver) return;
    limitLate(this.body, this.handle);
    // It writes live data, which would pile up here for ever.
    if (this.body.gate?.isIgnored === true) this.onEnd('over_speed');
  }

  ended(): void {
    // Nothing to do: the client still has to take the rest.
  }

  closed(): void {
    this.onEnd(this.body?.complete === true ? 'stream_ended' : 'client_gone');
  }
}
