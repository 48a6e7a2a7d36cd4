import { constants } from 'node:http2';
import type { RequestHandle } from '@stream-sessions/core';
import { isHttp2, type PlaybackRequest, type PlaybackResponse } from '../connect.js';
import { BodyCounter, type BodyObserver } from './body-counter.js';
import { inFlight, type Sampled } from './in-flight.js';

/**
 * One admitted response on its way: reports its bytes to the tracker while it runs and when it ends, and severs it when
 * the tracker says so.
 */
export class Transfer implements BodyObserver, Sampled {
  nextObserver: BodyObserver | undefined;
  nextInFlight: Sampled | undefined = undefined;
  previousInFlight: Sampled | undefined = undefined;
  private readonly body: BodyCounter;
  private reported = 0;
  private seenHanded = 0;
  private seenLarge = 0;
  private done = false;

  constructor(
    private readonly req: PlaybackRequest,
    res: PlaybackResponse,
    readonly handle: RequestHandle,
    /** Called when a response with content has been ended. */
    private readonly onEnded: (() => void) | undefined,
  ) {
    const body = BodyCounter.of(req, res);
    this.body = body;
    this.nextObserver = body.observers;
    body.observers = this;
    inFlight.add(this);
    handle.onCut(() => this.cut());
  }

  /** Credits what has been sent since the last time, unless the client holds it up. */
  sample(): void {
    if (this.body.outlet.destroyed) return this.body.close();
    if (this.keepsUp()) this.handle.touch(this.unreported());
  }

  /** The client took something since the last look, or there is nothing to take. */
  private keepsUp(): boolean {
    const handed = this.body.handed();
    const large = this.body.takenOfLargeWrite();
    const progress = handed > this.seenHanded || large > this.seenLarge;
    this.seenHanded = handed;
    this.seenLarge = large;
    return progress || handed === this.body.written;
  }

  ended(): void {
    const { statusCode } = this.body.res;
    if (this.onEnded !== undefined && (this.body.counts || statusCode === 304)) this.onEnded();
  }

  closed(): void {
    if (!this.leave()) return;
    this.handle.end(this.unreported());
  }

  private cut(): number {
    if (!this.leave()) return 0;
    this.body.freeze();
    const unreported = this.unreported();
    sever(this.req, this.body.res);
    return unreported;
  }

  private leave(): boolean {
    if (this.done) return false;
    this.done = true;
    inFlight.delete(this);
    return true;
  }

  private unreported(): number {
    if (!this.body.counts) return 0;
    const handed = this.body.handed();
    const added = Math.max(0, handed - this.reported);
    this.reported += added;
    return added;
  }
}

/** end() would let the client finish what it has; a kick has to be felt, so the transport is destroyed. */
function sever(req: PlaybackRequest, res: PlaybackResponse): void {
  if (!isHttp2(res)) {
    req.socket.destroy();
    return;
  }
  // The connection carries other viewers: only this stream ends.
  res.stream.close(constants.NGHTTP2_CANCEL);
  res.stream.destroy();
}
