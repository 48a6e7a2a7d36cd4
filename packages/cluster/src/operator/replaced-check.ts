import type { Clock } from '@stream-sessions/core';
import { everyMs, type ClusterPort } from '@stream-sessions/core/spi';
import type { Member } from '../member.js';
import type { ReplacedVisits } from './replaced-visits.js';

const EVERY_MS = 30_000;
const ANSWER_MS = 1_000;
/** Visits asked about at a time. */
const AT_ONCE = 1_000;

/**
 * Checks whether visits that keep others out still exist: if nobody could report that one has ended (its node died at that
 * moment, or Redis came back empty), the others would never be admitted again. One of the nodes does the check.
 */
export class ReplacedCheck {
  private missing: ReadonlySet<string> = new Set();
  private readonly stopLooking: () => void;

  constructor(
    private readonly member: Member,
    private readonly replaced: Pick<ReplacedVisits, 'visits' | 'ended'>,
    port: Pick<ClusterPort, 'part'>,
    clock: Clock,
  ) {
    member.mailbox.on('who lives', (ids) => (ids as string[]).filter((id) => port.part(id) !== undefined));
    this.stopLooking = everyMs(clock, EVERY_MS, () => void this.look());
  }

  stop(): void {
    this.stopLooking();
  }

  /** A visit that no node has twice in a row has ended: a part may just be moving from one node to another. */
  async look(): Promise<void> {
    const { membership, mailbox } = this.member;
    const nodes = membership.nodes.living();
    const first = nodes.map(({ incarnation }) => incarnation).sort()[0];
    const { visits } = this.replaced;
    if (visits.length === 0 || first !== membership.incarnation) return void (this.missing = new Set());
    const missing = new Set(visits);
    for (let at = 0; at < visits.length; at += AT_ONCE) {
      const ids = visits.slice(at, at + AT_ONCE);
      const asked = await mailbox.ask<string[]>(nodes, 'who lives', ids, ANSWER_MS);
      const live = asked.missing.length > 0 ? ids : asked.answers.flatMap(({ answer }) => answer);
      for (const id of live) missing.delete(id);
    }
    for (const id of missing) if (this.missing.has(id)) this.replaced.ended(id, 'lost');
    this.missing = missing;
  }
}
