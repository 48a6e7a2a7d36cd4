import type { Clock } from '@stream-sessions/core';
import { everyMs } from '@stream-sessions/core/spi';
import { BUCKETS } from '../link/link.js';
import type { Member } from '../member.js';
import type { ClusterSlots } from '../slots/cluster-slots.js';
import type { VisitKeeper } from './visit-keeper.js';

/** How often is looked whether a bucket has come back empty. */
const LOOK_EVERY_MS = 1_000;
const ANSWER_MS = 1_000;

export interface ClaimerParts {
  readonly member: Member;
  readonly clock: Clock;
  readonly keeper: Pick<VisitKeeper, 'claimAgain'>;
  readonly slots: Pick<ClusterSlots, 'claim'>;
  readonly leaseMs: number;
}

/**
 * Says again what this node has, when it has joined again or a bucket has come back empty. What was there before goes on; what
 * others have closed meanwhile begins anew.
 */
export class Claimer {
  private known: readonly string[] = [];
  private readonly stopLooking: () => void;
  private readonly waiting = new Set<unknown>();

  constructor(private readonly parts: ClaimerParts) {
    this.stopLooking = everyMs(parts.clock, LOOK_EVERY_MS, () => this.look());
    parts.member.mailbox.on('swept', (incarnation) => parts.member.membership.hasSwept(incarnation as string));
  }

  /** @param stalledAs what this process was while it stood still for longer than its lease; undefined: it did not */
  async joined(stalledAs: string | undefined): Promise<void> {
    const { keeper } = this.parts;
    const lost = this.lostBuckets();
    keeper.claimAgain((bucket) => !lost.has(bucket), false);
    if (lost.size === 0) return;
    // Others may have closed what it had, and Redis would not know any more.
    const isSwept = stalledAs !== undefined && (await this.isSwept(stalledAs));
    keeper.claimAgain((bucket) => lost.has(bucket), !isSwept);
  }

  stop(): void {
    this.stopLooking();
    for (const timer of this.waiting) this.parts.clock.clearTimeout(timer);
  }

  private look(): void {
    const lost = this.lostBuckets();
    if (lost.size === 0) return;
    this.parts.keeper.claimAgain((bucket) => lost.has(bucket), true);
    void this.parts.slots.claim();
  }

  /** Since it was asked last. */
  private lostBuckets(): Set<number> {
    const { membership } = this.parts.member;
    const lost = new Set<number>();
    const epochs = Array.from({ length: BUCKETS }, (_, bucket) => membership.epochOf(bucket).id);
    epochs.forEach((id, bucket) => {
      const before = this.known[bucket] ?? '';
      if (before !== '' && before !== id) lost.add(bucket);
    });
    this.known = epochs;
    return lost;
  }

  /** Whether others have swept up after it. They are waited for: they have to join again as well. */
  private async isSwept(incarnation: string): Promise<boolean> {
    const { member, leaseMs } = this.parts;
    await this.pause(leaseMs / 2);
    const { answers } = await member.mailbox.ask<boolean>(
      member.membership.nodes.living(),
      'swept',
      incarnation,
      ANSWER_MS,
    );
    return answers.some(({ answer }) => answer);
  }

  private pause(ms: number): Promise<void> {
    const { clock } = this.parts;
    return new Promise((resolve) => {
      const timer = clock.setTimeout(() => {
        this.waiting.delete(timer);
        resolve();
      }, ms);
      this.waiting.add(timer);
    });
  }
}
