import type { ByteCounters, TransportConnection } from '@stream-sessions/core/spi';

/**
 * Asks a client for a sign of life, and says when it has answered. Returns what stops listening for the answer; undefined when
 * it could not be asked.
 */
export type Ask = (answered: () => void) => (() => void) | undefined;

/** It is asked so many times before its silence means that it is gone. */
const QUESTIONS = 3;
/** Readings come once a second. Of a longer time this process was asleep: nobody could have been heard. */
const LONGEST_STEP_MS = 2_000;

/** A publisher that has sent nothing for so long is not defended against the next one: a live one sends many times a second. */
const GIVES_WAY_MS = 2_000;

/** Another may take the place of this publisher. */
export const givesWay = ({ counters }: TransportConnection): boolean =>
  counters instanceof SilenceCounters && counters.isSilentFor(GIVES_WAY_MS);

/** A client's counters, and how long nothing was heard of it. One that is frozen is kept connected by its kernel. */
export class SilenceCounters implements ByteCounters {
  /** Milliseconds since something came from it. */
  private silentMs = 0;
  private lastReceived = 0;
  private lookedAt: number | undefined = undefined;
  private questions = 0;
  /** It has answered before: so it would now. */
  private answers = false;
  private stopListening: (() => void) | undefined = undefined;

  /**
   * @param timeoutMs of silence after which it is gone; 0 = never
   * @param ask of a player, which need not say anything. Without it: a publisher, which has to send
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
    // What waits for it stands before every question: then it is for the sampler to say whether it stalls.
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
