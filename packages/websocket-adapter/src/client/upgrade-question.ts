import type { SourceWait } from '@stream-sessions/core';
import type { UpgradeAnswer } from '../server.js';
import { refuse } from './refuse.js';

/** When a client whose source did not start in time may retry. Milliseconds. */
const RETRY_AFTER_MS = 2_000;

/** An upgrade request until it is answered, once. A separate object, because an upgraded client needs nothing of it. */
export class UpgradeQuestion {
  isPaused = false;
  /** The wait for the source of its stream. */
  private wait: SourceWait | undefined = undefined;

  constructor(
    /** Set until it has been called. */
    private answer: UpgradeAnswer | undefined,
    /** Returns the wait for a source, if any, once the client is admitted. */
    private readonly ready: (() => SourceWait | undefined) | undefined,
  ) {}

  /** Admits the client, at once or when its source is running. True: it waits. */
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
    // a client that is waiting still has to be answered
    if (this.wait === undefined) this.answer = undefined;
    else this.wait.cancel();
  }
}
