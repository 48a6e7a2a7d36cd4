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

/** A write for each event would cost ten times as much. */
const BATCH_MS = 100;
/** What is more than this goes at once. Bytes. */
const LARGE_BATCH = MAX_WAITING / 4;
const STATS_MS = 1_000;
/** Where the figures take long, they come more seldom: this part of the time is theirs. */
const STATS_SHARE = 0.02;
const ALIVE_MS = 20_000;
/** What happens is remembered for so long after the last client has left. */
const LINGER_MS = 5 * 60_000;
export const MAX_CLIENTS = 1000;

/** To make small what goes to many is cheap, and dear where each has a filter of its own: the first so many filters have it. */
const MAX_PACKED = 16;

/** What `on()` tells, as far as it has to be known here: of whichever event. */
interface Event {
  readonly occurredAt: number;
  readonly progress?: SessionProgress;
  readonly session?: PlaySession | undefined;
  readonly stream?: string;
  readonly kind?: string;
}

/** What happens, for whoever listens by Server-Sent Events. It listens itself only while somebody does, or may come back. */
export class Feed {
  /** Cursors of another process, or of another API, are not ours. */
  private readonly name = randomBytes(6).toString('hex');
  private readonly ring = new Ring();
  private readonly figures = new Figures();
  /** Undefined: nobody has looked yet, or not since the last client left. */
  private totals: unknown = undefined;
  /** So many watch that what they do in a second is more than is kept: it is not kept at all. */
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

  /** How who listens with this filter gets it, if it takes gzip. */
  encodingFor(filter: FeedFilter): Encoding {
    if (this.channels.has(channelKey(filter, gzip))) return gzip;
    let packed = 0;
    for (const { encoding } of this.channels.values()) if (encoding === gzip) packed++;
    return packed < MAX_PACKED ? gzip : plain;
  }

  /**
   * From now on the client gets what its filter lets through. First, what it has missed since `after`; or where that cannot
   * be said, `reset`, with the position from which on it hears everything.
   *
   * @returns the function by which it leaves
   */
  join(client: FeedClient, filter: FeedFilter, after: string | undefined): () => void {
    this.clients++;
    this.attach();
    const key = channelKey(filter, client.encoding);
    const channel = this.channels.get(key) ?? new Channel(filter, client.encoding);
    this.channels.set(key, channel);
    // what waits is for those who are there already
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

  /** Undefined: it cannot be said, or is more than may wait for one client. */
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

  /** Something may be missing: nobody goes on from before it. */
  private startOver(): void {
    this.flush();
    this.ring.pass(this.ring.position + 1);
    const cursor = this.idOf(this.ring.position);
    for (const channel of this.channels.values()) channel.push(message('reset', { cursor, reason: 'missed' }, cursor));
    this.flush();
  }

  /** Nobody has listened for a while. */
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
    // no entry is made: V8 makes those where what lives long is, and what they lead to would live as long
    if (hasOnlyMoved && this.isCrowded) ring.pass(position);
    else {
      const visit = progress && `${progress.id}@${progress.openedAt}`;
      // a whole row says also what has moved before; the other way round it does not
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
      // of a cluster, what is waited for takes no time here
      let took = 0;
      try {
        if (this.clients > 0) took = await this.tellFigures();
      } catch {
        // a directory that cannot say it now is asked again
      }
      if (!isOver) timer = this.clock.setTimeout(() => void look(), Math.max(STATS_MS, took / STATS_SHARE));
    };
    void look();
    return () => {
      isOver = true;
      this.clock.clearTimeout(timer);
    };
  }

  /** How long it took, in milliseconds, without what was waited for. */
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
    // they go along with what waits already
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
