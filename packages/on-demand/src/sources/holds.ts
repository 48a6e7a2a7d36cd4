import type { SourceWait } from '@stream-sessions/core';
import type { SourcesSettings } from '../options.js';

type Answer = (runs: boolean) => void;

/** The requests that wait for a source, by stream. */
export class Holds {
  private readonly byStream = new Map<string, Set<Answer>>();
  private held = 0;

  constructor(private readonly settings: SourcesSettings) {}

  has(stream: string): boolean {
    return this.byStream.has(stream);
  }

  /** How many requests wait for this stream. */
  of(stream: string): number {
    return this.byStream.get(stream)?.size ?? 0;
  }

  /** Waits for at most `holdMs`; refused at once if `maxHeld` requests are already waiting. */
  hold(stream: string): SourceWait {
    const { clock, holdMs, maxHeld } = this.settings;
    if (this.held >= maxHeld) return refused();
    let answer: Answer = () => undefined;
    const wait = new Promise<boolean>((resolve) => (answer = resolve)) as SourceWait;
    const settle: Answer = (runs) => {
      if (!this.forget(stream, settle)) return;
      clock.clearTimeout(timer);
      answer(runs);
    };
    const timer = clock.setTimeout(() => settle(false), holdMs);
    wait.cancel = () => settle(false);
    this.held++;
    const others = this.byStream.get(stream);
    if (others === undefined) this.byStream.set(stream, new Set([settle]));
    else others.add(settle);
    return wait;
  }

  /** Answers all requests that wait for this stream. */
  answer(stream: string, runs: boolean): void {
    for (const settle of [...(this.byStream.get(stream) ?? [])]) settle(runs);
  }

  close(): void {
    for (const stream of [...this.byStream.keys()]) this.answer(stream, false);
  }

  private forget(stream: string, settle: Answer): boolean {
    const waiting = this.byStream.get(stream);
    if (waiting?.delete(settle) !== true) return false;
    if (waiting.size === 0) this.byStream.delete(stream);
    this.held--;
    return true;
  }
}

/** The answer when waiting is pointless. */
export function refused(): SourceWait {
  return Object.assign(Promise.resolve(false), { cancel: () => undefined });
}
