import type { Clock, Everywhere, LiveVisits, Logger, VisitEvents } from '@stream-sessions/core';
import { RecentMap, monotonic } from '@stream-sessions/core/spi';
import { keyOf } from '../directory/merge-rows.js';
import type { LiveCounts } from '../visits/live-counts.js';
import { claim } from './claim.js';
import { Watcher, type WatcherParts } from './watcher.js';
import type { Changed, Said, WatchedName } from './said.js';
import type { Source } from './source.js';
import { type Moved, type Shown, ShownRows } from './shown-rows.js';

/** How long changes are gathered. Milliseconds. */
const GATHER_MS = 100;
/** The shortest interval at which a visit reported by several nodes is passed on. Milliseconds. */
const PACE_MS = 500;
/** Visits per batch, and the most that wait: one that is dropped comes with its next change. */
const AT_ONCE = 2_000;
const MAX_WAITING = 50_000;
/** Events remembered because they may be reported again. */
const MAX_TOLD = 10_000;

export interface EverywhereParts extends Pick<WatcherParts, 'link' | 'member'> {
  readonly clock: Clock;
  readonly source: Source;
  readonly logger: Logger;
  readonly counts: Pick<LiveCounts, 'live'>;
  readonly hash: (text: string) => string;
}

type Listener = (event: never) => void;

/**
 * The events of all nodes, as if from one: each once, and with one row per visit. Other nodes are asked only while there are
 * listeners.
 */
export class EventsEverywhere implements Everywhere {
  private readonly listeners: Record<WatchedName, Set<Listener>> = {
    opened: new Set(),
    closed: new Set(),
    changed: new Set(),
    denied: new Set(),
    source: new Set(),
  };
  private readonly onMiss = new Set<() => void>();
  private running: { readonly watcher: Watcher; readonly stopListening: () => void } | undefined;
  private readonly rows: ShownRows;
  private moved = new Map<string, Moved>();
  private timer: unknown;
  /** When visits reported by several nodes were last passed on, by the monotonic clock. */
  private readonly toldAt = new RecentMap<number>({ max: MAX_TOLD });
  private readonly told = new RecentMap<true>({ max: MAX_TOLD });
  private readonly over = new RecentMap<true>({ max: MAX_TOLD });
  private seq = 0;

  constructor(private readonly parts: EverywhereParts) {
    this.rows = new ShownRows(parts.member);
  }

  on<E extends keyof VisitEvents>(name: E, listener: (event: VisitEvents[E]) => void): () => void {
    const own: Listener = (event) => listener(event);
    this.listeners[name].add(own);
    this.start();
    return () => {
      this.listeners[name].delete(own);
      if (Object.values(this.listeners).every(({ size }) => size === 0)) void this.stop();
    };
  }

  onMissed(listener: () => void): () => void {
    const own = (): void => listener();
    this.onMiss.add(own);
    return () => void this.onMiss.delete(own);
  }

  live(options?: { readonly isFresh?: boolean }): Promise<LiveVisits> {
    return this.parts.counts.live(options);
  }

  claim(about: string, state: string, at: number): Promise<boolean> {
    const { member, hash } = this.parts;
    return claim(member.membership, hash(`claim ${about}`), state, at);
  }

  /** A node has joined. */
  joined(): void {
    this.running?.watcher.renew();
  }

  async stop(): Promise<void> {
    const { running, parts } = this;
    this.running = undefined;
    parts.clock.clearTimeout(this.timer);
    this.timer = undefined;
    this.moved.clear();
    running?.stopListening();
    await running?.watcher.stop();
  }

  private start(): void {
    if (this.running !== undefined) return;
    const { source, member, clock, link } = this.parts;
    const onSaid = (said: Said, from: string): void => this.hear(said, from);
    const onMissed = (): void => {
      for (const listener of this.onMiss) listener();
    };
    this.running = {
      stopListening: source.listen((said) => this.hear(said, member.membership.incarnation)),
      watcher: new Watcher({ link, member, clock, onSaid, onMissed }),
    };
  }

  private hear(said: Said, from: string): void {
    if (said.name === 'changed') return this.gather(said, from);
    const { name, event } = said;
    // events reported at least once are shown once; a denial is reported by each node where it refuses somebody
    const id = name === 'denied' ? event.denial.id : name === 'source' ? undefined : `${name} ${keyOf(event.session)}`;
    if (id !== undefined && this.told.get(id)) return;
    if (id !== undefined) this.told.set(id, true);
    if (name === 'closed') {
      this.over.set(keyOf(event.session), true);
      this.moved.delete(keyOf(event.session));
    }
    this.tell(name, event);
  }

  private gather({ event: { progress, session }, place }: Changed, from: string): void {
    const key = keyOf(progress);
    if (this.over.get(key)) return;
    const known = this.moved.get(key);
    if (known === undefined && this.moved.size >= MAX_WAITING) return;
    const moved: Moved = known ?? { key, place, parts: new Map() };
    if (known === undefined) this.moved.set(key, moved);
    const row = session ?? moved.parts.get(from)?.session;
    moved.parts.set(from, { progress, session: row && { ...row, ...progress } });
    this.timer ??= this.parts.clock.setTimeout(() => void this.show(), GATHER_MS);
  }

  private async show(): Promise<void> {
    const { running } = this;
    const due = this.takeDue();
    if (due.length > 0) {
      const { shown, later } = await this.rows.of(due).catch(() => ({ shown: this.own(due), later: [] }));
      if (running === undefined || this.running !== running) return;
      for (const each of shown) this.tellShown(each);
      for (const each of later) this.moved.set(each.key, this.moved.get(each.key) ?? each);
    }
    const pause = due.length === AT_ONCE ? 0 : GATHER_MS;
    this.timer = this.moved.size === 0 ? undefined : this.parts.clock.setTimeout(() => void this.show(), pause);
  }

  private takeDue(): Moved[] {
    const now = monotonic(this.parts.clock);
    const due: Moved[] = [];
    for (const [key, moved] of this.moved) {
      if (due.length === AT_ONCE) break;
      if (now - (this.toldAt.get(key) ?? -Infinity) < PACE_MS) continue;
      this.moved.delete(key);
      due.push(moved);
    }
    return due;
  }

  /** What is on this node, while the others cannot be asked. */
  private own(moved: readonly Moved[]): Shown[] {
    const { incarnation } = this.parts.member.membership;
    return moved.flatMap(({ key, parts }) => {
      const part = parts.get(incarnation);
      return part === undefined ? [] : [{ key, ...part, isOfSeveral: false }];
    });
  }

  private tellShown({ key, progress, session, isOfSeveral }: Shown): void {
    if (this.over.get(key)) return;
    const { clock, member } = this.parts;
    if (isOfSeveral) this.toldAt.set(key, monotonic(clock));
    this.tell('changed', { seq: this.seq, occurredAt: member.membership.nodes.now(), progress, session });
  }

  private tell<E extends WatchedName>(name: E, event: VisitEvents[E]): void {
    const own = Object.freeze({ ...event, seq: name === 'changed' ? this.seq : ++this.seq });
    for (const listener of this.listeners[name]) {
      try {
        listener(own as never);
      } catch (error) {
        this.parts.logger.error({ err: error, event: name }, `a listener of "${name}" failed`);
      }
    }
  }
}
