import { randomUUID } from 'node:crypto';
import type { Clock } from '@stream-sessions/core';
import { everyMs, RecentMap } from '@stream-sessions/core/spi';
import type { ClusterLink, Follower } from '../link/link.js';
import type { Member } from '../member.js';
import { WATCH_MS } from './publisher.js';
import type { Batch, Said, Watched } from './said.js';

/** How long to wait for a node that is asked to report. Milliseconds. */
const ANSWER_MS = 1_000;
const MAX_NODES = 1_000;

export interface WatcherParts {
  readonly link: ClusterLink;
  readonly member: Member;
  readonly clock: Clock;
  readonly onSaid: (said: Said, from: string) => void;
  /** Something was missed, or may have been. */
  readonly onMissed: () => void;
}

/** Makes all other nodes report to this one what happens there, until it is stopped. */
export class Watcher {
  private readonly channel = `watch-${randomUUID()}`;
  /** The number of the next batch from each reporter. */
  private readonly next = new RecentMap<number>({ max: MAX_NODES });
  /** What had been reported at the last renewal, but had not arrived. */
  private readonly late = new RecentMap<number>({ max: MAX_NODES });
  private follower: Promise<Follower> | undefined;
  private renewing: Promise<void> | undefined;
  private isStopped = false;
  private readonly stopRenewing: () => void;

  constructor(private readonly parts: WatcherParts) {
    this.stopRenewing = everyMs(parts.clock, WATCH_MS / 3, () => this.renew());
    this.renew();
  }

  /** Renews the requests, and asks nodes that have joined. */
  renew(): void {
    // if this fails, the next attempt is soon
    this.renewing ??= this.ask()
      .catch(() => undefined)
      .finally(() => (this.renewing = undefined));
  }

  async stop(): Promise<void> {
    this.isStopped = true;
    this.stopRenewing();
    await this.renewing;
    void this.parts.member.mailbox.ask(this.others(), 'unwatch', this.channel, ANSWER_MS);
    await this.follower?.then(
      (follower) => follower.stop(),
      () => undefined,
    );
  }

  private others() {
    const { membership } = this.parts.member;
    return membership.nodes.living().filter(({ incarnation }) => incarnation !== membership.incarnation);
  }

  private async ask(): Promise<void> {
    const { link, member, onMissed } = this.parts;
    this.follower ??= link.follow([{ name: this.channel, isOwn: true }], (_channel, texts) => this.received(texts));
    try {
      await this.follower;
    } catch (error) {
      this.follower = undefined;
      throw error;
    }
    const follower = await this.follower;
    const { answers } = await member.mailbox.ask<Watched>(this.others(), 'watch', this.channel, ANSWER_MS);
    let isMissing = false;
    for (const { answer } of answers) {
      // what happened there before it was asked has not arrived
      isMissing ||= answer.isNew;
      if (this.next.get(answer.by) === undefined) this.next.set(answer.by, answer.n + 1);
      if (!this.isAsleep(answer)) continue;
      isMissing = true;
      follower.rewind(this.channel);
    }
    if (isMissing && !this.isStopped) onMissed();
  }

  /**
   * Nothing has arrived for a whole round, although it had been reported before: the reader waits at an id that a failover has
   * lost.
   */
  private isAsleep({ by, n }: Watched): boolean {
    const next = this.next.get(by) ?? 0;
    const isAsleep = next <= (this.late.get(by) ?? -1);
    if (n < next || isAsleep) this.late.delete(by);
    else this.late.set(by, n);
    if (isAsleep) this.next.set(by, n + 1);
    return isAsleep;
  }

  private received(texts: readonly string[]): void {
    if (this.isStopped) return;
    for (const text of texts) {
      const { from, by, n, said } = JSON.parse(text) as Batch;
      const isMissing = n !== (this.next.get(by) ?? n);
      this.next.set(by, n + 1);
      if (isMissing) this.parts.onMissed();
      for (const each of said) this.parts.onSaid(each, from);
    }
  }
}
