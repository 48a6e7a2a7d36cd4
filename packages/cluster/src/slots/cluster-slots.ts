import type { Clock } from '@stream-sessions/core';
import {
  everyMs,
  RecentMap,
  type ClusterPort,
  type SharedSlots,
  type SlotAnswer,
  type SlotLimit,
  type WhoPlays,
} from '@stream-sessions/core/spi';
import { BUCKETS, type Reply, type Step } from '../link/link.js';
import { EPOCH } from '../log/log-steps.js';
import type { Member } from '../member.js';
import { CLAIM, type CLAIMED, GIVE, KEEP_MS, TAKE } from './slot-steps.js';

export interface ClusterSlotsParts {
  readonly member: Member;
  readonly port: Pick<ClusterPort, 'hash' | 'part' | 'end' | 'replace'>;
  /** The opening time of a visit that was asked about lately. */
  readonly openedAtOf: (id: string) => number | undefined;
  readonly clock: Clock;
  readonly leaseMs: number;
  readonly whenAlone: 'local' | 'refuse';
}

/** How long to wait for the holders of all slots. Milliseconds. */
const QUIET_MS = 200;
/** By then, the taker of a slot has a visit, or has given the slot back. Milliseconds. */
const OPENING_MS = 15_000;
/** The most that may be opening at a time. */
const MAX_OPENING = 10_000;
/** Characters of a hash that tell users (tokens, addresses, streams) apart: 66 bits. A longer key takes 16 bytes more. */
const KEY_LENGTH = 11;
/** Slots given back by one step. */
const AT_ONCE = 100;

/** A slot that this node holds. */
interface Held {
  readonly key: string;
  readonly id: string;
  readonly limit: SlotLimit;
  /** By the clock of the cluster. */
  readonly since: number;
}

/** Whether there are more than there are slots. */
interface Claimed {
  readonly held: Held;
  /** Undefined: unknown. */
  readonly is: keyof typeof CLAIMED | undefined;
  /** Who has taken the place of one in excess, where one takes the place of another. */
  readonly by?: string | undefined;
}

/** Slots in the buckets of a cluster, each held by an incarnation for a session. */
export class ClusterSlots implements SharedSlots {
  whenAlone: 'local' | 'refuse';
  private readonly held = new Map<string, Held>();
  private readonly answerers = new Set<WhoPlays>();
  /** Sessions that have just taken a slot, by id, and when: their visits are about to open, so they are not quiet. */
  private readonly opening = new RecentMap<number>({ max: MAX_OPENING });
  /** Sessions that were chosen to be replaced, by id: when their visits began. */
  private readonly chosen = new RecentMap<number>({ max: MAX_OPENING });
  /** Slots to be given back, by bucket. */
  private readonly given = new Map<number, [slots: string, id: string][]>();
  private giving: NodeJS.Immediate | undefined;
  private readonly stopClaiming: () => void;
  private checking: unknown;
  private isStopped = false;
  /** Names of slots that may be overbooked. */
  private readonly doubtful = new Set<string>();

  constructor(private readonly parts: ClusterSlotsParts) {
    this.whenAlone = parts.whenAlone;
    const { mailbox } = parts.member;
    mailbox.on('who plays', (asked) => {
      const { ids, graceMs } = asked as { ids: string[]; graceMs: number };
      const playing = [...this.answerers].flatMap((whoPlays) => whoPlays(ids, graceMs));
      return [...new Set([...playing, ...ids.filter((id) => this.isOpening(id))])];
    });
    mailbox.on('quiet ones go', (ids) => {
      for (const id of ids as string[]) this.end(id, 'idle');
      return true;
    });
    mailbox.on('too many', (keys) => {
      const meant = new Set(keys as string[]);
      this.doubt([...this.held].flatMap(([name, { key }]) => (meant.has(key) ? [name] : [])));
      return true;
    });
    this.stopClaiming = everyMs(parts.clock, KEEP_MS / 3, () => void this.claim());
  }

  async take(key: string, id: string, limit: SlotLimit): Promise<SlotAnswer> {
    const { max, graceMs, onExceed = 'reject' } = limit;
    try {
      let answer = await this.ask(key, id, limit, 'reject');
      if (answer !== undefined && !answer.isTaken && max > 0) {
        const quiet = await this.quietOf(answer.holders, graceMs);
        if (quiet.length > 0 || onExceed !== 'reject') answer = await this.ask(key, id, limit, onExceed, quiet);
      }
      if (answer === undefined || answer.isTaken) return answer;
      return { isTaken: false, holders: [...new Set(answer.holders.map(([session]) => session))] };
    } catch {
      return undefined;
    }
  }

  give(key: string, id: string): void {
    if (!this.held.delete(nameOf(key, id))) return;
    this.opening.delete(id);
    const { bucket, slots } = this.placeOf(key);
    const waiting = this.given.get(bucket);
    if (waiting === undefined) this.given.set(bucket, [[slots, id]]);
    else waiting.push([slots, id]);
    this.giving ??= setImmediate(() => void this.giveAll().catch(() => undefined));
  }

  answer(whoPlays: WhoPlays): () => void {
    this.answerers.add(whoPlays);
    return () => this.answerers.delete(whoPlays);
  }

  /** The opening time of a visit that was chosen to be replaced. */
  chosenOpenedAt(id: string): number | undefined {
    return this.chosen.get(id);
  }

  hold(key: string, id: string, limit: SlotLimit): void {
    const name = nameOf(key, id);
    if (this.held.has(name)) return;
    const held = { key, id, limit, since: this.parts.member.membership.nodes.now() };
    this.held.set(name, held);
    this.doubt([name]);
    this.claimOne(held).catch(() => undefined);
  }

  /**
   * Claims all slots that this node has again, because it has rejoined, or a bucket has come back empty. Once all others have had
   * the time to do the same, excess sessions end: the newest, or those whose place others have taken.
   */
  async claim(): Promise<void> {
    const names = [...this.held.keys()];
    this.doubt(names);
    await this.claimAll(names);
  }

  stop(): void {
    this.stopClaiming();
    this.isStopped = true;
    // its tracker goes on by itself
    this.whenAlone = 'local';
    this.parts.clock.clearTimeout(this.checking);
  }

  /** These may be overbooked: they are checked after a while. */
  private doubt(names: readonly string[]): void {
    for (const name of names) this.doubtful.add(name);
    if (this.doubtful.size === 0 || this.isStopped) return;
    this.checking ??= this.parts.clock.setTimeout(() => void this.check(), this.parts.leaseMs);
  }

  private async check(): Promise<void> {
    this.checking = undefined;
    const names = [...this.doubtful];
    this.doubtful.clear();
    const elsewhere = new Set<string>();
    for (const { held, is, by } of await this.claimAll(names)) {
      if (is === undefined) this.doubt([nameOf(held.key, held.id)]);
      if (is === 'others') elsewhere.add(held.key);
      if (is !== 'excess') continue;
      if (by === undefined) this.end(held.id, 'limit');
      else this.parts.port.replace(held.id, by);
    }
    const { membership, mailbox } = this.parts.member;
    const others = membership.nodes.living().filter(({ incarnation }) => incarnation !== membership.incarnation);
    if (elsewhere.size > 0) void mailbox.ask(others, 'too many', [...elsewhere], QUIET_MS);
  }

  private async claimAll(names: readonly string[]): Promise<Claimed[]> {
    const claimed: Claimed[] = [];
    const all = names.flatMap((name) => this.held.get(name) ?? []);
    for (let at = 0; at < all.length; at += AT_ONCE) {
      const claims = all
        .slice(at, at + AT_ONCE)
        .map((held) => this.claimOne(held).catch(() => ({ held, is: undefined })));
      claimed.push(...(await Promise.all(claims)));
    }
    return claimed;
  }

  private async claimOne(held: Held): Promise<Claimed> {
    const { key, id, limit, since } = held;
    const openedAt = String(Math.round(this.openedAtOf(id) ?? since));
    const reply = await this.run(CLAIM, key, [id, openedAt, String(limit.max), limit.onExceed ?? 'reject']);
    const [is, by] = reply as readonly [keyof typeof CLAIMED, string?];
    return { held, is, by };
  }

  /** The opening time of its visit is the same on all nodes; their own clocks are not. */
  private openedAtOf(id: string): number | undefined {
    return this.parts.port.part(id)?.openedAt ?? this.parts.openedAtOf(id);
  }

  private async ask(
    key: string,
    id: string,
    limit: SlotLimit,
    onExceed: NonNullable<SlotLimit['onExceed']>,
    gone: readonly string[] = [],
  ) {
    const { leaseMs, member } = this.parts;
    const { nodes } = member.membership;
    const args = [id, String(limit.max), String(leaseMs), onExceed, String(this.openedAtOf(id) ?? ''), ...gone];
    const [how, rest] = (await this.run(TAKE, key, args)) as readonly Reply[];
    if (how === -1) return undefined;
    if (how === 2) return { isTaken: false, holders: [] } as const;
    const told = pairs(rest as readonly string[]);
    if (how === 0) return { isTaken: false, holders: told } as const;
    const name = nameOf(key, id);
    if (!this.held.has(name)) this.opening.set(id, nodes.now());
    this.held.set(name, this.held.get(name) ?? { key, id, limit, since: nodes.now() });
    for (const [session, openedAt] of told) this.chosen.set(session, Number(openedAt));
    return told.length === 0
      ? ({ isTaken: true } as const)
      : ({ isTaken: true, replaces: told.map(([session]) => session) } as const);
  }

  private run(step: Step, key: string, args: readonly string[]): Promise<Reply> {
    const { bucket, slots } = this.placeOf(key);
    return this.parts.member.membership.run(step, bucket, [EPOCH, slots, `${slots}-going`], args);
  }

  /** The sessions that all their holders report as not playing. They are told to end. */
  private async quietOf(
    holders: readonly (readonly [id: string, incarnation: string])[],
    graceMs: number,
  ): Promise<string[]> {
    const { membership, mailbox } = this.parts.member;
    const incarnations = new Set(holders.map(([, incarnation]) => incarnation));
    const nodes = membership.nodes.living().filter(({ incarnation }) => incarnations.has(incarnation));
    const ids = [...new Set(holders.map(([id]) => id))];
    const { answers } = await mailbox.ask<string[]>(nodes, 'who plays', { ids, graceMs }, QUIET_MS);
    const said = new Map(answers.map(({ node, answer }) => [node.incarnation, new Set(answer)]));
    const mayPlay = new Set(
      holders.filter(([id, incarnation]) => said.get(incarnation)?.has(id) ?? true).map(([id]) => id),
    );
    const quiet = ids.filter((id) => !mayPlay.has(id)).slice(0, 1);
    if (quiet.length > 0) void mailbox.ask(nodes, 'quiet ones go', quiet, QUIET_MS);
    return quiet;
  }

  private isOpening(id: string): boolean {
    const { port, member } = this.parts;
    const takenAt = this.opening.get(id);
    if (takenAt === undefined) return false;
    if (port.part(id) === undefined && member.membership.nodes.now() - takenAt <= OPENING_MS) return true;
    this.opening.delete(id);
    return false;
  }

  private end(id: string, reason: 'idle' | 'limit'): void {
    const part = this.parts.port.part(id);
    if (part !== undefined) this.parts.port.end(id, part.openedAt, reason);
  }

  private async giveAll(): Promise<void> {
    this.giving = undefined;
    const all = [...this.given];
    this.given.clear();
    for (const [bucket, slots] of all) {
      for (let at = 0; at < slots.length; at += AT_ONCE) {
        const some = slots.slice(at, at + AT_ONCE);
        await this.parts.member.membership.run(
          GIVE,
          bucket,
          some.map(([name]) => name),
          some.map(([, id]) => id),
        );
      }
    }
  }

  /** Key names contain neither users nor tokens. */
  private placeOf(key: string): { bucket: number; slots: string } {
    const hash = this.parts.port.hash(key);
    const bucket = (64 * hash.charCodeAt(0) + hash.charCodeAt(1)) % BUCKETS;
    return { bucket, slots: `slots-${hash.slice(0, KEY_LENGTH)}` };
  }
}

const nameOf = (key: string, id: string): string => `${id} ${key}`;

const pairs = (flat: readonly string[]): (readonly [string, string])[] =>
  flat.flatMap((each, i) => (i % 2 === 0 ? [[each, flat[i + 1] ?? ''] as const] : []));
