import type { SourceWait } from '@stream-sessions/core';
import type { UpgradeAnswer } from '../server.js';
import { refuse } from './refuse.js';

/** When a client whose source did not come in time may try again. */
const RETRY_AFTER_MS = 2_000;

/** A request to upgrade until it is answered, once. An object of its own, for a client that is upgraded needs nothing of it. */
export class UpgradeQuestion {
  isPaused = false;
  /** For the source of its stream. */
  private wait: SourceWait | undefined = undefined;

  constructor(
    /** Until it was called. */
    private answer: UpgradeAnswer | undefined,
    /** Whether there is a source to wait for, once it is let in. */
    private readonly ready: (() => SourceWait | undefined) | undefined,
  ) {}

  /** Lets it in, at once or when its source runs. True: it waits. */
  letIn(): boolean {
    this.isPaused = false;
    this.wait = this.answer === undefined ? undefined : this.ready?.();
    if (this.wait === undefined) {
      this.give((answer) => answer(true));
      return false;
    }
    void this.wait.then((runs) => {
      this.wait = undefined;
      this.give((answer) => {
        if (runs) answer(true);
        else refuse(answer, 503, 'Its source does not run yet.', Date.now() + RETRY_AFTER_MS);
      });
    });
    return true;
  }

  give(say: (answer: UpgradeAnswer) => void): void {
    const { answer } = this;
    this.answer = undefined;
    if (answer !== undefined) say(answer);
  }

  dispose(): void {
    // who waits has still to be answered
    if (this.wait === undefined) this.answer = undefined;
    else this.wait.cancel();
  }
}
