import type { CloseReason, PlaySession, Quality } from '../types/play-session.js';
import type { CloseOptions, ConnHandle, RequestHandle } from '../types/admission.js';
import type { Limits } from '../types/limits.js';
import type { HandleNode } from '../session/handle-list.js';
import type { Session } from '../session/session.js';
import { countable } from '../support/numbers.js';

/** Severs the transport of a handle, as passed to `onCut`. */
type Cutter = Parameters<ConnHandle['onCut']>[0];

const NO_LIMITS: Limits = Object.freeze({});

/** What a handle reports while it is open. */
export interface HandleActivity {
  touch(session: Session, handle: HandleNode, bytes: number): void;
  served(session: Session): void;
  receive(session: Session, bytes: number): void;
  tag(session: Session, tags: Record<string, string>): void;
  report(session: Session, quality: Quality, provisional: boolean): void;
  msSinceReport(session: Session): number;
}

/** What a handle passes up: it decides nothing itself. */
export interface HandleOwner {
  readonly activity: HandleActivity;
  copy(session: Session): PlaySession;
  connectionOpened(session: Session): void;
  requestEnded(session: Session, handle: OpenHandle, bytes: number): void;
  connectionClosed(session: Session, handle: OpenHandle, reason: CloseReason, bytes: number, at?: number): void;
  cutFailed(error: unknown): void;
  listenerFailed(error: unknown): void;
}

/**
 * An open request or connection of a session. It is its own admission: one object per request, no closure. Without a session
 * (nothing is tracked), it does nothing.
 */
export abstract class OpenHandle implements HandleNode {
  nextHandle: HandleNode | undefined = undefined;
  previousHandle: HandleNode | undefined = undefined;
  touchedAt: number;
  abstract readonly isConnection: boolean;
  private cutter: Cutter | undefined = undefined;
  private limitsListener: ((limits: Limits) => void) | undefined = undefined;
  private controller: AbortController | undefined = undefined;
  /** Set when the tracker ended it, not the transport. */
  private cutReason: CloseReason | undefined = undefined;
  protected ended = false;
  /** While the transport is being severed, it may still report what it received; what it sent, it returns. */
  private isSevering = false;

  constructor(
    protected readonly owner: HandleOwner,
    protected readonly tracked: Session | undefined,
    now: number,
  ) {
    this.touchedAt = now;
    if (tracked === undefined) return;
    if (tracked.isClosed) {
      // A listener ended the session while this handle was joining it: the transport is cut as soon as it registers how.
      this.ended = true;
      this.cutReason = tracked.closeReason;
      return;
    }
    this.nextHandle = tracked.handles;
    if (tracked.handles !== undefined) tracked.handles.previousHandle = this;
    tracked.handles = this;
  }

  get admitted(): true {
    return true;
  }

  get handle(): this {
    return this;
  }

  get session(): PlaySession | undefined {
    return this.tracked === undefined ? undefined : this.owner.copy(this.tracked);
  }

  get visit(): object | undefined {
    return this.tracked;
  }

  get limits(): Limits {
    return this.tracked?.rare?.limits ?? NO_LIMITS;
  }

  onLimits(listener: (limits: Limits) => void): void {
    this.limitsListener = listener;
  }

  get keepsLimits(): boolean {
    return this.limitsListener !== undefined;
  }

  limitsChanged(): void {
    try {
      this.limitsListener?.(this.limits);
    } catch (error) {
      this.owner.listenerFailed(error);
    }
  }

  onCut(cut: Cutter): void {
    if (this.cutReason !== undefined) this.sever(cut, this.cutReason);
    else if (!this.ended) this.cutter = cut;
  }

  get signal(): AbortSignal {
    if (this.controller === undefined) {
      this.controller = new AbortController();
      if (this.cutReason !== undefined) this.controller.abort(this.cutReason);
    }
    return this.controller.signal;
  }

  touch(addedBytes = 0): void {
    if (!this.ended && this.tracked !== undefined) this.owner.activity.touch(this.tracked, this, addedBytes);
  }

  addReceived(bytes: number): void {
    if ((!this.ended || this.isSevering) && this.tracked !== undefined)
      this.owner.activity.receive(this.tracked, bytes);
  }

  tag(tags: Record<string, string>): void {
    if (!this.ended && this.tracked !== undefined) this.owner.activity.tag(this.tracked, tags);
  }

  report(quality: Quality, provisional = false): void {
    if (!this.ended && this.tracked !== undefined) this.owner.activity.report(this.tracked, quality, provisional);
  }

  get msSinceReport(): number {
    return this.tracked === undefined ? Infinity : this.owner.activity.msSinceReport(this.tracked);
  }

  /** The tracker ends the handle: its transport is severed at once. Returns the bytes that were not reported yet. */
  cut(reason: CloseReason): number {
    if (this.ended) return 0;
    this.detach();
    this.cutReason = reason;
    const unreported = this.cutter === undefined ? 0 : this.sever(this.cutter, reason);
    this.cutter = undefined;
    this.controller?.abort(reason);
    return unreported;
  }

  /** Leaves its session's list. Later calls to it have no effect. Returns 0: it does not ask for remaining bytes. */
  detach(): number {
    this.ended = true;
    const { nextHandle, previousHandle, tracked } = this;
    if (nextHandle !== undefined) nextHandle.previousHandle = previousHandle;
    if (previousHandle !== undefined) previousHandle.nextHandle = nextHandle;
    else if (tracked?.handles === this) tracked.handles = nextHandle;
    this.nextHandle = this.previousHandle = undefined;
    return 0;
  }

  private sever(cutter: Cutter, reason: CloseReason): number {
    this.isSevering = true;
    try {
      return countable(typeof cutter === 'function' ? cutter(reason) : cutter.cut(reason));
    } catch (error) {
      this.owner.cutFailed(error);
      return 0;
    } finally {
      this.isSevering = false;
    }
  }
}

export class TrackedRequest extends OpenHandle implements RequestHandle {
  get isConnection(): boolean {
    return false;
  }

  served(): void {
    if (!this.ended && this.tracked?.isUnserved === true) this.owner.activity.served(this.tracked);
  }

  end(addedBytes = 0): void {
    if (this.ended) return;
    this.detach();
    if (this.tracked !== undefined) this.owner.requestEnded(this.tracked, this, addedBytes);
  }
}

export class TrackedConnection extends OpenHandle implements ConnHandle {
  constructor(owner: HandleOwner, tracked: Session | undefined, now: number) {
    super(owner, tracked, now);
    if (tracked !== undefined) owner.connectionOpened(tracked);
  }

  get isConnection(): boolean {
    return true;
  }

  close(reason: CloseReason = 'client_gone', addedBytes = 0, { at }: CloseOptions = {}): void {
    if (this.ended) return;
    this.detach();
    if (this.tracked !== undefined) this.owner.connectionClosed(this.tracked, this, reason, addedBytes, at);
  }
}
