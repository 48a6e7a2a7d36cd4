import assert from 'node:assert/strict';
import type { Denial } from '../../types/denial.js';
import type { HttpHit } from '../../types/hit.js';
import type { PlaySession } from '../../types/play-session.js';
import type { PendingAdmission, RequestHandle } from '../../types/admission.js';
import type { Policy, Verdict } from '../../types/policy.js';
import { createTracker } from '../../tracker/create-tracker.js';
import type { SessionTracker } from '../../types/tracker.js';
import { fakeClock, type FakeClock } from '../fake-clock.js';
import type { PolicyHarness, RunningPolicy } from './harness.js';

/** One rule that every policy keeps. */
export interface PolicyCase {
  name: string;
  test: (world: PolicyWorld) => Promise<void>;
}

const silent = (): void => undefined;
const logger = { debug: silent, info: silent, warn: silent, error: silent };

/** A policy in a tracker that remembers nothing itself, so that anything remembered afterwards is the policy's. */
export class PolicyWorld {
  /** While it is a promise, every opening that the policy under test allows waits for it. */
  lastWord: Verdict | Promise<Verdict> = { allow: true };
  readonly tracker: SessionTracker;

  private constructor(
    readonly subject: RunningPolicy,
    private readonly clock: FakeClock,
  ) {
    const waiting: Policy = { name: 'the last word of the contract', stage: 'custom', admit: () => this.lastWord };
    this.tracker = createTracker({
      clock,
      logger,
      policies: [subject.policy, waiting],
      deniedRetentionMs: 0,
      closedRetentionMs: 0,
    });
  }

  /** Runs a case in a world of its own, which is stopped afterwards. */
  static async run(harness: PolicyHarness, one: PolicyCase): Promise<void> {
    const clock = fakeClock();
    const subject = await harness.start(clock);
    const world = new PolicyWorld(subject, clock);
    try {
      await one.test(world);
    } finally {
      await world.tracker.stop();
      await subject.stop?.();
    }
  }

  /** A viewer that this policy refuses. */
  refused(n: number): HttpHit {
    const hit = this.subject.refused?.(n);
    return hit ?? assert.fail('the harness has no refused(); name this case in `skip`, with the reason');
  }

  /** Asks for admission, expects it, and returns the session. */
  async enter(hit: HttpHit): Promise<PlaySession> {
    const admission = await this.tracker.admit(hit);
    if (!admission.admitted) assert.fail(`refused: ${admission.denial.reason} ${admission.denial.detail ?? ''}`);
    admission.handle.end();
    return admission.handle.session as PlaySession;
  }

  /** Asks for admission and returns the refusal; undefined: admitted. */
  async refusal(hit: HttpHit): Promise<Denial | undefined> {
    const admission = await this.tracker.admit(hit);
    if (!admission.admitted) return admission.denial;
    admission.handle.end();
    return undefined;
  }

  /** Asks for admission, and gives up before the last verdict. */
  async giveUp(hit: HttpHit): Promise<void> {
    let say: (verdict: Verdict) => void = () => undefined;
    this.lastWord = new Promise((resolve) => (say = resolve));
    const asked = this.tracker.admit(hit) as PendingAdmission<RequestHandle>;
    await new Promise((resolve) => setImmediate(resolve));
    asked.cancel();
    say({ allow: true });
    this.lastWord = { allow: true };
    await asked;
  }

  /** Ends a session and advances the clock. */
  leave(session: PlaySession): void {
    this.tracker.kick(session.id, { denyForMs: 0 });
    this.clock.advance(1_000);
  }
}
