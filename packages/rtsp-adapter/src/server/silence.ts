import type { Socket } from 'node:net';

/** What is to be known of a client to say what its silence means. */
export interface Listened {
  /** It plays or publishes. */
  readonly isActive: boolean;
  /** It takes datagrams, or it is to send media. */
  readonly hasToBeHeard: boolean;
}

/** Looks at which a player was heard of: who reports twice goes on reporting (ffmpeg, GStreamer and live555 do). */
const REPORTS = 2;
/** Reports come every 2.5 to 7.5 s, whatever a client was told of sessions: five of them have to be missing (RFC 3550 §6.3.5). */
const SHORTEST_UNANSWERED_MS = 25_000;
const LONGEST_LOOK_MS = 2_000;

/**
 * How long nothing was heard of a client: no request, no report, no media. A machine that has vanished says no goodbye, and the
 * connection of one that is frozen is kept alive by its kernel.
 *
 * A player over the connection itself need not say anything (RFC 2326 has no such rule), and one that does reads media for it:
 * its silence counts from when it has reported, and only while it is sent something.
 */
export class Silence {
  private unheardMs = 0;
  /** Of these, those in which it was sent something. */
  private unansweredMs = 0;
  private reports = 0;
  private wasActive = false;
  private bytesWritten = 0;

  constructor(
    private readonly socket: Pick<Socket, 'bytesWritten'>,
    private readonly timeoutMs: number,
    private lookedAt: number,
  ) {}

  /** Once a second. @returns whether it is taken for gone */
  look(now: number, wasHeard: boolean, { isActive, hasToBeHeard }: Listened): boolean {
    const { bytesWritten } = this.socket;
    // This process was asleep for the rest: nobody could have been heard.
    const elapsedMs = Math.min(Math.max(now - this.lookedAt, 0), LONGEST_LOOK_MS);
    if (wasHeard) {
      this.unheardMs = this.unansweredMs = 0;
      if (this.wasActive) this.reports++;
    } else {
      this.unheardMs += elapsedMs;
      if (bytesWritten > this.bytesWritten) this.unansweredMs += elapsedMs;
    }
    if (!isActive) this.reports = 0;
    this.wasActive = isActive;
    this.bytesWritten = bytesWritten;
    this.lookedAt = now;
    if (hasToBeHeard) return this.unheardMs >= this.timeoutMs;
    return this.reports >= REPORTS && this.unansweredMs >= Math.max(this.timeoutMs, SHORTEST_UNANSWERED_MS);
  }
}
