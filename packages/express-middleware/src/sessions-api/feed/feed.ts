import { randomBytes } from 'node:crypto';
import type { Clock, PlaySession, SessionDirectory, SessionProgress } from '@stream-sessions/core';
import { EVENT_NAMES, everyMs, eventToWire, totalsToWire } from '@stream-sessions/core/spi';
import { Channel } from './channel.js';
import { type FeedClient, MAX_WAITING } from './client.js';
import { Delivery } from './delivery.js';
import { type Encoding, gzip, plain } from './encoding.js';
import { Figures, type StreamFigures } from './figures.js';
import { type FeedFilter, keyOf, STATS, wants } from './filter.js';
import { message, stillHere } from './message.js';
import { MAX_EVENTS, Ring, type Topic } from './ring.js';

/** Writing each event separately would cost ten times as much. Milliseconds. */
const BATCH_MS = 100;
/** A larger batch is sent at once. Bytes. */
const LARGE_BATCH = MAX_WAITING / 4;
const STATS_MS = 1_000;
/** If the figures take long to compute, they are sent less often, so that they use at most this share of the time. */
const STATS_SHARE = 0.02;
const ALIVE_MS = 20_000;
/** Events are remembered for this long after the last client has left. Milliseconds. */
const LINGER_MS = 5 * 60_000;
export const MAX_CLIENTS = 1000;

/**
 * Compressing is cheap if many clients share the result, but expensive if each has a filter of its own: only this many filters
 * get it.
 */
const MAX_PACKED = 16;

/** The parts of an `on()` event, whichever it is, that are needed here. */
interface Event {
  readonly occurredAt: number;
  readonly progress?: SessionProgress;
  readonly session?: PlaySession | undefined;
  readonly stream?: string;
  readonly kind?: string;
}

/**
 * Live events for clients of Server-Sent Events. It subscribes to the directory only while there are clients, or some may come
 * back.
 */
export class Feed {
  /** Distinguishes cursors from those of another process or API. */
  private readonly name = randomBytes(6).toString('hex');
  private readonly ring = new Ring();
  private readonly figures = new Figures();
  /** Undefined: not read yet, or not since the last client left. */
  private totals: unknown = undefined;
  /** There are so many viewers that the changes of one second exceed the ring: they are not kept at all. */
  private isCrowded = false;
  private readonly channels = new Map<string, Channel>();
  private readonly delivery = new Delivery();
  private clients = 0;
  private batch: unknown = undefined;
  private linger: unknown = undefined;
  private detach: (() => void)[] | undefined = undefined;

  constructor(
    private readonly directory: SessionDirectory,
    readonly clock: Clock,
  ) {}

  get isFull(): boolean {
    return this.clients >= MAX_CLIENTS;
  }

  /** The encoding for a client with this filter, if it accepts gzip. */
  encodingFor(filter: FeedFilter): Encoding {
    if (this.channels.has(channelKey(filter, gzip))) return gzip;
    let packed = 0;
    for (const { encoding } of this.channels.values()) if (encoding === gzip) packed++;
    return packed < MAX_PACKED ? gzip : plain;
  }

  /**
   * From now on, the client gets what passes its filter. First, it gets what it has missed since `after` or, if that is unknown,
   * `reset`, with the position from which it gets everything.
   *
   * @returns a function to leave the feed
   */
  join(client: FeedClient, filter: FeedFilter, after: string | undefined): () => void {
    this.clients++;
    this.attach();
    const key = channelKey(filter, client.encoding);
    const channel = this.channels.get(key) ?? new Channel(filter, client.encoding);
    this.channels.set(key, channel);
    // what is already waiting is for the earlier clients
    this.delivery.add(channel.take());
    client.say(this.missed(filter, after) ?? this.reset(after));
    if (this.totals !== undefined) client.say(this.statsFor(filter, this.figures.all));
    channel.add(client);
    let isHere = true;
    return () => {
      if (!isHere) return;
      isHere = false;
      this.clients--;
      channel.delete(client);
      if (channel.size === 0) this.channels.delete(key);
      if (this.clients > 0) return;
      this.figures.clear();
      this.totals = undefined;
      this.linger = this.clock.setTimeout(() => this.rest(), LINGER_MS);
    };
  }

  private idOf(position: number): string {
    return `${this.name}-${position}`;
  }

  private reset(after: string | undefined): string {
    const cursor = this.idOf(this.ring.position);
    const reason = after === undefined ? 'start' : this.positionOf(after) === undefined ? 'unknown' : 'too_old';
    return message('reset', { cursor, reason }, cursor);
  }

  private positionOf(cursor: string): number | undefined {
    const [name, position = '', ...more] = cursor.split('-', 3);
    return name === this.name && more.length === 0 && /^\d{1,15}$/.test(position) ? Number(position) : undefined;
  }

  /** Undefined: unknown, or more than may wait for one client. */
  private missed(filter: FeedFilter, after: string | undefined): string | undefined {
    const position = after === undefined ? undefined : this.positionOf(after);
    const entries = position === undefined ? undefined : this.ring.after(position);
    if (entries === undefined) return undefined;
    let text = stillHere(this.idOf(position as number));
    for (const entry of entries) {
      if (wants(filter, entry)) text += entry.text;
      if (text.length > MAX_WAITING / 2) return undefined;
    }
    return text;
  }

  private attach(): void {
    if (this.linger !== undefined) this.clock.clearTimeout(this.linger);
    this.linger = undefined;
    if (this.detach !== undefined) return;
    this.detach = [...this.listen(), everyMs(this.clock, ALIVE_MS, () => this.sayAlive()), this.lookAtFigures()];
  }

  private listen(): (() => void)[] {
    const { everywhere } = this.directory;
    if (everywhere === undefined) {
      const names = EVENT_NAMES.filter((name) => name !== 'updated');
      return names.map((name) => this.directory.on(name, (event) => this.take(name, event as Event)));
    }
    const names = ['opened', 'closed', 'changed', 'denied', 'source'] as const;
    const ends = names.map((name) => everywhere.on(name, (event) => this.take(name, event as Event)));
    return [...ends, everywhere.onMissed(() => this.startOver())];
  }

  /** Something may be missing: nobody can resume from before this point. */
  private startOver(): void {
    this.flush();
    this.ring.pass(this.ring.position + 1);
    const cursor = this.idOf(this.ring.position);
    for (const channel of this.channels.values()) channel.push(message('reset', { cursor, reason: 'missed' }, cursor));
    this.flush();
  }

  /** There have been no clients for a while. */
  private rest(): void {
    this.linger = undefined;
    for (const end of this.detach ?? []) end();
    this.detach = undefined;
    this.ring.clear();
  }

  private take(name: (typeof EVENT_NAMES)[number], event: Event): void {
    const { session, progress = session, stream = '', kind = progress?.kind, occurredAt: at } = event;
    const { ring } = this;
    const position = ring.position + 1;
    const id = this.idOf(position);
    const envelope = eventToWire(name, event as never, id);
    const { type } = envelope;
    const topic: Topic = { type, kind, streams: progress?.streams ?? [stream] };
    const text = message(type, envelope, id);
    const isChange = name === 'changed';
    const hasOnlyMoved = isChange && session === undefined;
    // no entry is made: V8 would allocate it among long-lived objects, and what it refers to would live as long
    if (hasOnlyMoved && this.isCrowded) ring.pass(position);
    else {
      const visit = progress && `${progress.id}@${progress.openedAt}`;
      // a whole row supersedes earlier changes, but not the other way round
      if (visit !== undefined && !hasOnlyMoved) ring.settle(visit, `row ${visit}`);
      ring.add({ ...topic, position, at, text }, !isChange ? undefined : hasOnlyMoved ? visit : `row ${visit}`);
    }
    let isLarge = false;
    for (const channel of this.channels.values()) {
      channel.offer(topic, text);
      if (channel.waiting > LARGE_BATCH) isLarge = true;
    }
    if (isLarge) this.flush();
    else this.flushSoon();
  }

  private flushSoon(): void {
    this.batch ??= this.clock.setTimeout(() => this.flush(), BATCH_MS);
  }

  private flush(): void {
    if (this.batch !== undefined) this.clock.clearTimeout(this.batch);
    this.batch = undefined;
    for (const channel of this.channels.values()) this.delivery.add(channel.take());
  }

  private sayAlive(): void {
    for (const channel of this.channels.values()) channel.push(stillHere(this.idOf(this.ring.position)));
    this.flush();
  }

  private lookAtFigures(): () => void {
    let timer: unknown;
    let isOver = false;
    const look = async (): Promise<void> => {
      // in a cluster, time spent waiting is not time spent here
      let took = 0;
      try {
        if (this.clients > 0) took = await this.tellFigures();
      } catch {
        // a directory that cannot answer now is asked again later
      }
      if (!isOver) timer = this.clock.setTimeout(() => void look(), Math.max(STATS_MS, took / STATS_SHARE));
    };
    void look();
    return () => {
      isOver = true;
      this.clock.clearTimeout(timer);
    };
  }

  /** The time it took in milliseconds, without waiting. */
  private async tellFigures(): Promise<number> {
    const { directory, clock } = this;
    const askedAt = performance.now();
    const asked = [Promise.resolve(directory.streams()), Promise.resolve(directory.stats())] as const;
    const asking = performance.now() - askedAt;
    const [streams, stats] = await Promise.all(asked);
    const answeredAt = performance.now();
    const changed = this.figures.next(streams, clock.now());
    this.totals = totalsToWire(stats);
    this.isCrowded = stats.active > MAX_EVENTS;
    for (const channel of this.channels.values()) {
      const text = this.statsFor(channel.filter, changed);
      if (text !== '') channel.push(text);
    }
    // they go along with what is already waiting
    if (this.batch === undefined) this.flush();
    return asking + performance.now() - answeredAt;
  }

  private statsFor({ stream, types }: FeedFilter, figures: readonly StreamFigures[]): string {
    if (types?.has(STATS) === false) return '';
    const streams = stream === undefined ? figures : figures.filter(({ stream_code: code }) => code === stream);
    return message(STATS, { stats: this.totals, streams });
  }
}

const channelKey = (filter: FeedFilter, { name }: Encoding): string => `${name} ${keyOf(filter)}`;
