import type { Handle, Limits } from '@stream-sessions/core';
import { monotonic, pace, type Paced } from './pace.js';
import { TokenBucket } from './token-bucket.js';
import { Waits } from './waits.js';

/** The most that is sent of one response before it is the turn of another. Bytes. */
const LARGEST_SLICE = 65_536;
/** The time that one round of turns, shared by all waiting responses, takes up. Milliseconds. */
const ROUND_MS = 100;
const SMALLEST_SLICE = 4096;

/** `limited` while its limit is mostly below what it demands; `enough` once it no longer is. */
const SPEED_TAG = 'speed';

type Tagging = Pick<Handle, 'tag'>;

/** A response that waits for its turn. */
export interface Waiting {
  /** Read from the response rather than stored, because it leads to a request. */
  readonly handle: Tagging;
  /** Playlists go first: without them, a player does not know what to fetch. */
  readonly goesFirst: boolean;
  /** Bytes that could be sent at once. */
  readonly held: number;
  /** Sends at most this many bytes, and returns how many. */
  release(most: number): number;
  /** There is something to send, and the client accepts it. */
  readonly isReady: boolean;
}

/**
 * One token bucket for everything that a session fetches, over any number of connections and streams: its responses take turns,
 * and playlists go first.
 */
export class SessionSpeed implements Paced {
  private readonly bucket: TokenBucket;
  /** In the order of their turns: a response that had one goes to the end. */
  private readonly playlists = new Set<Waiting>();
  private readonly others = new Set<Waiting>();
  private readonly waits = new Waits();
  private isLooking = false;

  constructor(
    private downMbits: number,
    isNew: boolean,
  ) {
    this.bucket = new TokenBucket(downMbits, isNew, monotonic());
  }

  /** For `handle.onLimits`, shared by all handles of the session. */
  readonly change = ({ downMbits = Infinity }: Limits): void => {
    if (downMbits === this.downMbits) return;
    this.downMbits = downMbits;
    this.bucket.change(downMbits, monotonic());
    this.send();
  };

  /** Another response of the session begins. */
  begin(handle: Tagging): void {
    if (this.waits.turn(monotonic())) this.tag(handle);
  }

  /** How long this many bytes take. Milliseconds. */
  msFor(bytes: number): number {
    return (bytes / this.bucket.bytesIn(ROUND_MS)) * ROUND_MS;
  }

  isTighterThan({ downMbits }: SessionSpeed): boolean {
    return this.downMbits < downMbits;
  }

  /** Takes this many bytes at once, if no response is waiting for them. */
  takeAll(bytes: number): boolean {
    if (this.playlists.size > 0 || this.others.size > 0) return false;
    if (this.bucket.available < bytes) this.bucket.fill(monotonic());
    if (this.bucket.available < bytes) return false;
    this.bucket.take(bytes);
    return true;
  }

  /** This response has something to send. */
  enter(response: Waiting): void {
    (response.goesFirst ? this.playlists : this.others).add(response);
    this.send();
  }

  leave(response: Waiting): void {
    this.playlists.delete(response);
    this.others.delete(response);
    if (!this.hasWaiting) pace.leave(this);
  }

  look(now: number): boolean {
    // Sending may make an application write more, which is then sent in the same round.
    if (this.isLooking) return true;
    this.isLooking = true;
    try {
      this.bucket.fill(now);
      if (this.takeTurns(this.playlists)) this.takeTurns(this.others);
    } finally {
      this.isLooking = false;
    }
    const [waiting] = this.playlists.size > 0 ? this.playlists : this.others;
    if (waiting === undefined) return false;
    if (this.waits.note(now)) this.tag(waiting.handle);
    return true;
  }

  private tag(handle: Tagging): void {
    handle.tag({ [SPEED_TAG]: this.waits.isShort ? 'limited' : 'enough' });
  }

  private get hasWaiting(): boolean {
    return this.playlists.size > 0 || this.others.size > 0;
  }

  private send(): void {
    if (!this.isLooking && this.look(monotonic())) pace.wait(this);
  }

  /** False: no bytes are left. */
  private takeTurns(waiting: Set<Waiting>): boolean {
    const { bucket } = this;
    for (const response of waiting) {
      const slice = Math.min(this.sliceFor(waiting.size), response.held);
      // sending little by little would mean many writes
      if (bucket.available < slice) return false;
      waiting.delete(response);
      bucket.take(response.release(slice));
      if (response.isReady) waiting.add(response);
    }
    return true;
  }

  private sliceFor(responses: number): number {
    const fair = Math.min(Math.max(this.bucket.bytesIn(ROUND_MS) / responses, SMALLEST_SLICE), LARGEST_SLICE);
    return Math.max(1, Math.floor(Math.min(fair, this.bucket.bytesIn(ROUND_MS))));
  }
}
