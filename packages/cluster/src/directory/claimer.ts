import type { Clock } from '@stream-sessions/core';
import { BUCKETS, EVERY_BUCKET } from '../link/link.js';
import type { Member } from '../member.js';
import type { LatestSteps } from '../visits/latest-steps.js';
import type { VisitKeeper } from './visit-keeper.js';

const ANSWER_MS = 1_000;

export interface ClaimerParts {
  readonly member: Member;
  readonly clock: Clock;
  readonly keeper: Pick<VisitKeeper, 'claimAgain'>;
  readonly latest: Pick<LatestSteps, 'lookForFormer'>;
  readonly leaseMs: number;
}

/**
 * Claims this node's visits again after it has rejoined, or a bucket has come back empty. Visits that existed before continue;
 * those that others have closed meanwhile begin anew.
 */
export class Claimer {
  private known: readonly string[] = [];
  private readonly waiting = new Set<unknown>();
  private isStopped = false;

  constructor(private readonly parts: ClaimerParts) {
    parts.member.mailbox.on('swept', (incarnation) => parts.member.membership.hasSwept(incarnation as string));
  }

  /** @param stalledAs The incarnation of this process while it stood still for longer than its lease; undefined: it did not. */
  async joined(stalledAs: string | undefined): Promise<void> {
    // it has let go of all, and claims nothing more
    if (this.isStopped) return;
    const { keeper, latest } = this.parts;
    const lost = this.lostBuckets();
    // if so, it joins anew, and all buckets are others
    if (await latest.lookForFormer(EVERY_BUCKET.filter((bucket) => !lost.has(bucket)))) return;
    if (this.isStopped) return;
    keeper.claimAgain((bucket) => !lost.has(bucket), 'open');
    if (lost.size === 0) return;
    // Others may have closed its visits, and Redis would no longer know about it.
    const isSwept = stalledAs !== undefined && (await this.isSwept(stalledAs));
    keeper.claimAgain((bucket) => lost.has(bucket), isSwept ? 'open' : 'lost');
  }

  stop(): void {
    this.isStopped = true;
    for (const timer of this.waiting) this.parts.clock.clearTimeout(timer);
  }

  /** Since the last call. */
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

  /** Whether others have swept up after it. It waits for them, because they have to rejoin as well. */
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
