import type { ByteCounters, TransportConnection } from '@stream-sessions/core/spi';

/**
 * Asks a client for a sign of life, and calls back when it has answered. Returns a function that stops listening for the answer;
 * undefined if the client could not be asked.
 */
export type Ask = (answered: () => void) => (() => void) | undefined;

/** How many times a client is asked before its silence means that it is gone. */
const QUESTIONS = 3;
/**
 * Readings come once a second. If more time has passed, this process was asleep and could not have received anything.
 * Milliseconds.
 */
const LONGEST_STEP_MS = 2_000;

/**
 * A publisher that has sent nothing for this long gives way to the next one: a live one sends many times a second. Milliseconds.
 */
const GIVES_WAY_MS = 2_000;

/** True if another publisher may take the place of this one. */
export const givesWay = ({ counters }: TransportConnection): boolean =>
  counters instanceof SilenceCounters && counters.isSilentFor(GIVES_WAY_MS);

/** A client's counters, and how long it has been silent. The kernel keeps the connection of a frozen client open. */
export class SilenceCounters implements ByteCounters {
  /** Milliseconds since it last sent something. */
  private silentMs = 0;
  private lastReceived = 0;
  private lookedAt: number | undefined = undefined;
  private questions = 0;
  /** It has answered before, so it would answer now. */
  private answers = false;
  private stopListening: (() => void) | undefined = undefined;

  /**
   * @param timeoutMs Milliseconds of silence after which it counts as gone; 0 = never
   * @param ask Asks a player, which need not send anything. Without it: a publisher, which has to send
   */
  constructor(
    private readonly counters: ByteCounters & Required<Pick<ByteCounters, 'received' | 'waiting'>>,
    private readonly timeoutMs: number,
    private readonly ask?: Ask,
  ) {}

  sent(): number {
    return this.counters.sent();
  }

  received(): number {
    return this.counters.received();
  }

  waiting(): number {
    return this.counters.waiting();
  }

  isGone(now: number): boolean {
    const received = this.counters.received();
    const stepMs = Math.min(Math.max(now - (this.lookedAt ?? now), 0), LONGEST_STEP_MS);
    this.lookedAt = now;
    if (received > this.lastReceived) {
      this.lastReceived = received;
      this.silentMs = this.questions = 0;
      return false;
    }
    this.silentMs += stepMs;
    if (this.timeoutMs === 0) return false;
    if (this.ask === undefined) return this.silentMs >= this.timeoutMs;
    // Data waiting for the client is queued ahead of every ping: the sampler then decides whether it has stalled.
    if (this.counters.waiting() > 0) this.silentMs = this.questions = 0;
    else if (this.silentMs >= ((this.questions + 1) * this.timeoutMs) / QUESTIONS) this.question();
    return this.answers && this.silentMs >= this.timeoutMs;
  }

  isSilentFor(ms: number): boolean {
    return this.silentMs >= ms && this.counters.received() <= this.lastReceived;
  }

  release(): void {
    this.stopListening?.();
    this.counters.release?.();
  }

  private question(): void {
    this.questions++;
    this.stopListening?.();
    this.stopListening = this.ask?.(() => {
      this.answers = true;
      this.silentMs = this.questions = 0;
      this.stopListening = undefined;
    });
  }
}
