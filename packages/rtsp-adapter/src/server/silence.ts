import type { Socket } from 'node:net';

/** What must be known about a client to interpret its silence. */
export interface Listened {
  /** It is playing or publishing. */
  readonly isActive: boolean;
  /** It receives datagrams, or has to send media. */
  readonly hasToBeHeard: boolean;
}

/**
 * The number of checks with a report after which a player is expected to keep reporting (as ffmpeg, GStreamer and live555 do).
 */
const REPORTS = 2;
/**
 * Reports come every 2.5 to 7.5 s, whatever session timeout a client was given: five of them have to be missing (RFC 3550
 * §6.3.5).
 */
const SHORTEST_UNANSWERED_MS = 25_000;
const LONGEST_LOOK_MS = 2_000;

/**
 * How long a client has been silent: no request, no report, no media. A machine that has vanished does not say goodbye, and the
 * kernel keeps the connection of a frozen one alive.
 *
 * A player over the connection itself need not send anything (RFC 2326 has no such rule), and reading media is enough: its
 * silence counts only once it has reported, and only while media is being sent to it.
 */
export class Silence {
  private unheardMs = 0;
  /** The part of this during which media was sent to it. */
  private unansweredMs = 0;
  private reports = 0;
  private wasActive = false;
  private bytesWritten = 0;

  constructor(
    private readonly socket: Pick<Socket, 'bytesWritten'>,
    private readonly timeoutMs: number,
    private lookedAt: number,
  ) {}

  /** Called once a second. @returns whether it is presumed gone */
  look(now: number, wasHeard: boolean, { isActive, hasToBeHeard }: Listened): boolean {
    const { bytesWritten } = this.socket;
    // This process was asleep for the rest, and could not have received anything.
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
