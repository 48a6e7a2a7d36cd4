import { randomUUID } from 'node:crypto';
import type { Clock, Logger } from '@stream-sessions/core';
import { LinkRefused, wordsOf } from '../errors.js';
import { isLinkClosed } from '../link/attempts.js';
import { EVERY_BUCKET, LOG_BUCKET, type ClusterLink, type Reply, type Step } from '../link/link.js';
import { RecentMap, momentOf } from '@stream-sessions/core/spi';
import { Lease, newIncarnation } from './lease.js';
import { FORGET, HOLDER_LENGTH, LEASE, LEAVE, NEW_EPOCH, TAKEN } from './lease-steps.js';
import { LEASES, LOST } from './leased.js';
import { NodeList, type ClusterNode } from './node-list.js';
import { Pause } from './pause.js';
import { StallWatch } from './stall-watch.js';
import { differingOption, leaseLost } from './membership-errors.js';

export interface MembershipParts {
  readonly link: ClusterLink;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly name: string;
  /** What must be equal on all nodes, by option name. */
  readonly config: Readonly<Record<string, string>>;
  readonly leaseMs: number;
  readonly renewMs: number;
  /** It has a lease in every bucket. Nothing is admitted until the returned promise has resolved. */
  readonly onJoined: () => Promise<void>;
  /** Called after each renewal. */
  readonly onRenewed: () => void;
  /** Removes what a dead incarnation left in a bucket, a slice at a time. True: there is more. */
  readonly sweep?: (bucket: number, dead: string) => Promise<boolean>;
  /** Called when this process leaves. False: it has left something in a bucket, and is to be swept up after like a dead one. */
  readonly hasLeft?: (bucket: number) => Promise<boolean>;
}

/** How long after the end of another node's lease it looks for what that has left: clocks differ a little. Milliseconds. */
const MARGIN_MS = 50;
/** The most dead incarnations remembered, because one of them may come back. */
const MAX_SWEPT = 1_000;
const idOf = (epoch: string): string => epoch.split(' ', 1)[0] ?? '';

/**
 * This process as a member: an incarnation with a lease in each bucket. If it loses them, it becomes another incarnation, because
 * the others have given away what it had.
 */
export class Membership {
  readonly nodes: NodeList;
  readonly stalls: StallWatch;
  private readonly leases: readonly Lease[];
  private current = newIncarnation();
  private before = '';
  private isJoined = false;
  private hasLeft = false;
  private readonly pause: Pause;
  private running: Promise<void> | undefined;
  private readonly sweeping = new Set<number>();
  private readonly epochs: string[] = [];
  private readonly swept = new RecentMap<true>({ max: MAX_SWEPT });
  private losing: Promise<void> | undefined;

  constructor(private readonly parts: MembershipParts) {
    const { clock, leaseMs } = parts;
    this.nodes = new NodeList(clock);
    this.stalls = new StallWatch(clock, leaseMs);
    this.pause = new Pause(clock);
    this.leases = EVERY_BUCKET.map(() => new Lease(clock));
  }

  /** Changes each time it joins. */
  get incarnation(): string {
    return this.current;
  }

  /** The one before it joined anew; empty: it has joined only once. */
  get formerIncarnation(): string {
    return this.before;
  }

  /** As whom records name this process from before it joined anew. */
  get former(): string {
    return this.before.slice(0, HOLDER_LENGTH) || '-';
  }

  /** Whether this process may speak for a bucket now, by its own clocks: nothing is asked. */
  holds(bucket: number): boolean {
    return this.isJoined && (this.leases[bucket]?.holds ?? false);
  }

  /** The other nodes that were known last, whether or not they live. */
  others(): readonly ClusterNode[] {
    return this.nodes.latest().filter(({ incarnation }) => incarnation !== this.current && incarnation !== this.before);
  }

  /** Whether this process has swept up after that incarnation. */
  hasSwept(incarnation: string): boolean {
    return this.swept.get(incarnation) === true;
  }

  /** The life of a bucket: the id that it was given when it was empty, and when. */
  epochOf(bucket: number): { readonly id: string; readonly bornAt: number } {
    const [id = '', bornAt] = (this.epochs[bucket] ?? '').split(' ');
    return { id, bornAt: Number(bornAt ?? 0) };
  }

  /**
   * Runs a step made by `leased`. Its first key and argument are added.
   *
   * @throws StreamSessionsError ERR_CLUSTER_ALONE without a lease, ERR_CLUSTER_LINK (as rejections)
   */
  async run(step: Step, bucket: number, keys: readonly string[], args: readonly string[]): Promise<Reply> {
    const { incarnation } = this;
    const reply = await this.parts.link.run(step, bucket, [LEASES, ...keys], [incarnation, ...args]);
    if (reply !== LOST) return reply;
    if (incarnation === this.current) this.lose();
    throw leaseLost();
  }

  /**
   * Redis has lost what it had acknowledged: a failover to a replica that was behind. All buckets begin a new epoch, as those that came
   * back empty do, because what else was lost cannot be told: all nodes join anew, and put back what they have.
   */
  lostWrites(): Promise<void> {
    this.losing ??= this.beginEpochs().finally(() => (this.losing = undefined));
    return this.losing;
  }

  /**
   * Resolves when it has joined; retries until then.
   *
   * @throws StreamSessionsError ERR_CLUSTER_CONFIG (as a rejection) if the living nodes are configured differently,
   *   ERR_CLUSTER_LINK if the link is closed, or refused, before it has joined
   */
  join(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.running = this.stay(resolve).then(() => reject(leaseLost()), reject);
    });
  }

  /** Looks up the living nodes before the next renewal, because one has joined. */
  async lookAgain(): Promise<void> {
    // if this fails, the next renewal looks again
    if (this.isJoined) await this.renew(LOG_BUCKET, 'renew').catch(() => undefined);
  }

  /** Gives up the leases, if possible. */
  async leave(): Promise<void> {
    if (this.hasLeft) return;
    this.hasLeft = true;
    this.isJoined = false;
    this.pause.end();
    await this.running;
    await this.giveUp();
    this.nodes.clear();
  }

  private async stay(onFirst: () => void): Promise<void> {
    const { renewMs, logger } = this.parts;
    let [hasJoined, hasWarned] = [false, false];
    while (!this.hasLeft) {
      this.stalls.look(this.isJoined ? this.current : undefined);
      try {
        if (this.isJoined) await this.renewAll('renew');
        else {
          await this.enter();
          hasJoined = true;
          onFirst();
        }
        hasWarned = false;
      } catch (error) {
        if ((error as { code?: unknown }).code === 'ERR_CLUSTER_CONFIG') throw error;
        if (error instanceof LinkRefused && !hasJoined) throw error;
        if (!hasWarned) logger.warn({ error }, `cluster: this process is alone: ${wordsOf(error)}.`);
        hasWarned = true;
        if (isLinkClosed(error)) throw error;
      }
      const pauseMs = Math.min(renewMs, this.nodes.firstEndsInMs() + MARGIN_MS);
      if (!this.hasLeft) await this.pause.for(this.isJoined ? pauseMs : renewMs / 3);
    }
  }

  private async enter(): Promise<void> {
    // its own bucket lets nobody in who is configured in another way
    do {
      this.current = newIncarnation();
    } while (!(await this.renew(LOG_BUCKET, 'join')));
    try {
      const renewals = EVERY_BUCKET.slice(1).map((bucket) => this.renew(bucket, 'join'));
      await Promise.allSettled(renewals);
      if ((await Promise.all(renewals)).includes(false)) throw leaseLost();
      await this.parts.onJoined();
    } catch (error) {
      // the next attempt is another incarnation, and others would ask this one, too
      await this.endLeases();
      throw error;
    }
    this.isJoined = !this.hasLeft && this.leases.every(({ holds }) => holds);
    if (!this.isJoined) throw leaseLost();
  }

  private async renewAll(how: 'join' | 'renew'): Promise<void> {
    const results = await Promise.allSettled(EVERY_BUCKET.map((bucket) => this.renew(bucket, how)));
    const failure = results.find((result) => result.status === 'rejected');
    if (failure !== undefined) throw failure.reason;
    this.parts.onRenewed();
  }

  /** False: another one begins alike. */
  private async renew(bucket: number, how: 'join' | 'renew'): Promise<boolean> {
    const { link, leaseMs, name, config } = this.parts;
    const { current } = this;
    const keys = [LEASES, 'epoch'];
    const args = [current, String(leaseMs), randomUUID(), how];
    if (bucket === LOG_BUCKET) {
      keys.push('nodes', 'config');
      args.push(JSON.stringify({ name, clockOffsetMs: this.nodes.clockOffsetMs }), JSON.stringify(config));
    }
    const asked = momentOf(this.parts.clock);
    const reply = await link.run(LEASE, bucket, keys, args);
    if (current !== this.current) return true;
    if (reply === TAKEN) return false;
    if (reply === LOST) {
      this.lose();
      throw leaseLost();
    }
    const [now, epoch, dead, nodes] = reply as readonly Reply[];
    if (now === 'CONFIG') throw differingOption(config, epoch as string);
    if (how === 'renew' && this.epochOf(bucket).id !== idOf(epoch as string)) {
      this.lose();
      throw leaseLost();
    }
    this.leases[bucket]?.renewed(asked, leaseMs);
    this.epochs[bucket] = epoch as string;
    if (bucket === LOG_BUCKET) this.nodes.update(asked, now as number, nodes, idOf(epoch as string));
    void this.bury(bucket, dead as readonly string[]);
    return true;
  }

  private async beginEpochs(): Promise<void> {
    this.parts.logger.warn({}, 'cluster: Redis has lost its latest writes; all nodes restore what they have.');
    const begun = EVERY_BUCKET.map((bucket) =>
      this.run(NEW_EPOCH, bucket, ['epoch'], [this.epochOf(bucket).id, randomUUID()]),
    );
    // where one fails, the next look finds out again
    await Promise.allSettled(begun);
    this.lose();
  }

  /** Others may have what it had: it rejoins as another incarnation. */
  private lose(): void {
    if (!this.isJoined) return;
    this.isJoined = false;
    this.before = this.current;
    for (const lease of this.leases) lease.end();
    this.parts.logger.warn({}, 'cluster: the lease of this process has ended; it joins anew.');
    this.pause.end();
  }

  /** Sweeps up after dead nodes, each bucket by one of the living ones. */
  private async bury(bucket: number, dead: readonly string[]): Promise<void> {
    if (dead.length === 0 || !this.isJoined || this.sweeping.has(bucket)) return;
    const living = this.nodes.living();
    if (living[bucket % living.length]?.incarnation !== this.current) return;
    this.sweeping.add(bucket);
    try {
      for (const incarnation of dead) {
        this.swept.set(incarnation, true);
        while (await this.parts.sweep?.(bucket, incarnation));
        await this.run(FORGET, bucket, bucket === LOG_BUCKET ? ['nodes'] : [], [incarnation]);
      }
    } catch {
      // the next renewal reports them again
    } finally {
      this.sweeping.delete(bucket);
    }
  }

  /** From now on this incarnation is a dead one, and is swept up after. */
  private async endLeases(): Promise<void> {
    const args = [this.current, '0', randomUUID(), 'renew'];
    // otherwise they end on their own
    await Promise.allSettled(EVERY_BUCKET.map((bucket) => this.parts.link.run(LEASE, bucket, [LEASES, 'epoch'], args)));
    for (const lease of this.leases) lease.end();
  }

  private async giveUp(): Promise<void> {
    const { link, hasLeft } = this.parts;
    const left = EVERY_BUCKET.map(async (bucket) => {
      if ((await hasLeft?.(bucket)) === false) return;
      await link.run(LEAVE, bucket, bucket === LOG_BUCKET ? [LEASES, 'nodes'] : [LEASES], [this.current]);
    });
    // otherwise the lease ends on its own, and others sweep up
    await Promise.allSettled(left);
    for (const lease of this.leases) lease.end();
  }
}
