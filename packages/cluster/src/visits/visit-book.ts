import type { Clock, Logger } from '@stream-sessions/core';
import type { FoundVisit, Part, VisitIdentity } from '@stream-sessions/core/spi';
import { wordsOf } from '../errors.js';
import { BUCKETS } from '../link/link.js';
import type { Membership } from '../membership/membership.js';
import { aboutOf, allowedText, namesText, placeOf, readAllowed, readNames, type Place } from './fields.js';
import { COUNTS, endedKey, SHARD_KEYS, tentativeKey, VISITS } from './visit-steps.js';

/** Operations in one step. */
const AT_ONCE = 100;
/** What happened waits so long for more of it. */
const LATER_MS = 10;
/** What could not be told is told again after this. */
const RETRY_MS = 500;
/** So many operations wait for a bucket that does not answer; older ones are forgotten. */
const MAX_WAITING = 100_000;

/** What came of a claim. */
export interface Claimed {
  /** The visit that it is a part of: itself, unless it turned out to be another. */
  readonly visit: Pick<FoundVisit, 'id' | 'openedAt' | 'names'>;
  /** It began by this. */
  readonly isOpened: boolean;
}

/** What came of a part that has ended. */
export interface Ended {
  /** All of it: no part is left. */
  readonly isClosed: boolean;
  /** Nobody holds a part, but another node may in a moment. */
  readonly isAsked: boolean;
  readonly updatedAt: number;
  readonly bytes: number;
  readonly bytesReceived: number;
  /** Beginnings of the incarnations that hold other parts. */
  readonly holders: readonly string[];
}

interface Operation {
  readonly place: Place;
  readonly args: readonly string[];
  /** Whether it is told again when it could not be told. */
  readonly isKept: boolean;
  readonly done: (answer: readonly string[] | undefined) => void;
}

/** The visits of the cluster, as this node reads and writes them: operations are gathered, and taken in order. */
export class VisitBook {
  private readonly queues: Operation[][] = Array.from({ length: BUCKETS }, () => []);
  private readonly running = new Map<number, Promise<void>>();
  private readonly timers = new Map<number, unknown>();
  private readonly soon = new Set<number>();
  private isClosed = false;

  constructor(
    private readonly membership: Membership,
    private readonly clock: Clock,
    private readonly logger: Logger,
  ) {}

  /** Whose hit it is, and how far the log has to be read by then. Undefined: nobody can tell. */
  async find(asked: VisitIdentity): Promise<{ found: FoundVisit; logAt: number } | undefined> {
    const answer = await this.add('F', asked, undefined, '-');
    if (answer === undefined) return undefined;
    const [how, id = '', openedAt, names = '-', allowed = '-', logAt] = answer;
    const found = how as FoundVisit['found'];
    const allowedUntil = readAllowed(allowed);
    return {
      found: { id, openedAt: Number(openedAt), found, names: readNames(names), allowedUntil },
      logAt: Number(logAt),
    };
  }

  /** `wasLost`: the bucket has come back empty, and the visit is no new one. */
  async claim(part: Part, wasLost: boolean): Promise<Claimed | undefined> {
    const answer = await this.add('C', part, part, wasLost ? 'lost' : '-');
    if (answer === undefined || answer[0] === 'none') return undefined;
    const [how, id = '', openedAt, names = '-'] = answer;
    return { visit: { id, openedAt: Number(openedAt), names: readNames(names) }, isOpened: how === 'opened' };
  }

  /** `again`: nobody held it any more, but somebody had asked about it. */
  letGo(part: Part, again = false): Promise<Ended | undefined> {
    return this.end('L', part, again ? 'again' : '-');
  }

  /** `logAt`: where in the log it stands who may not come back. */
  close(part: Part, logAt: number | undefined): Promise<Ended | undefined> {
    return this.end('X', part, logAt === undefined ? '-' : String(logAt));
  }

  stop(): void {
    this.isClosed = true;
    for (const timer of this.timers.values()) this.clock.clearTimeout(timer);
    for (const queue of this.queues) for (const operation of queue.splice(0)) operation.done(undefined);
  }

  /** Resolves when all that waits has been tried. */
  async flushed(): Promise<void> {
    await Promise.all(this.queues.map((_, bucket) => this.flush(bucket)));
  }

  private async end(what: 'L' | 'X', part: Part, extra: string): Promise<Ended | undefined> {
    const answer = await this.add(what, part, part, extra);
    if (answer === undefined || answer[0] === 'none') return undefined;
    const [how, updatedAt, bytes, received, holders = ''] = answer;
    return {
      isClosed: how === 'closed',
      isAsked: how === 'asked',
      updatedAt: Number(updatedAt),
      bytes: Number(bytes),
      bytesReceived: Number(received),
      holders: holders === '' ? [] : holders.split(','),
    };
  }

  private add(
    what: 'F' | 'C' | 'L' | 'X',
    asked: VisitIdentity,
    part: Part | undefined,
    extra: string,
  ): Promise<readonly string[] | undefined> {
    const place = placeOf(asked);
    const { kind, stream, names, id } = asked;
    const figures = [part?.updatedAt ?? 0, part?.bytes ?? 0, part?.bytesReceived ?? 0].map((n) => n.toFixed(0));
    const shown = [what, String(place.shard), place.place, encodeURIComponent(id), String(part?.openedAt ?? 0)];
    const args = [
      ...shown,
      aboutOf(kind, stream),
      namesText(names),
      ...figures,
      allowedText(part?.allowedUntil),
      extra,
    ];
    const queue = this.queues[place.bucket] as Operation[];
    if (this.isClosed || queue.length >= MAX_WAITING) return Promise.resolve(undefined);
    return new Promise((done) => {
      queue.push({ place, args, isKept: what !== 'F', done: (answer) => done(answer && decoded(answer)) });
      if (what === 'F') this.flushSoon(place.bucket);
      else this.flushLater(place.bucket, LATER_MS);
    });
  }

  /** All that is asked in one turn of the event loop goes as one. */
  private flushSoon(bucket: number): void {
    if (this.soon.has(bucket)) return;
    this.soon.add(bucket);
    setImmediate(() => {
      this.soon.delete(bucket);
      void this.flush(bucket);
    });
  }

  private flushLater(bucket: number, ms: number): void {
    if (this.timers.has(bucket) || this.isClosed) return;
    const flush = (): void => {
      this.timers.delete(bucket);
      void this.flush(bucket);
    };
    this.timers.set(bucket, this.clock.setTimeout(flush, ms));
  }

  private flush(bucket: number): Promise<void> {
    const running = this.running.get(bucket) ?? this.drain(bucket).finally(() => this.running.delete(bucket));
    this.running.set(bucket, running);
    return running;
  }

  private async drain(bucket: number): Promise<void> {
    const queue = this.queues[bucket] as Operation[];
    try {
      while (queue.length > 0) await this.send(bucket, queue.splice(0, AT_ONCE));
    } catch {
      this.flushLater(bucket, RETRY_MS);
    }
  }

  private async send(bucket: number, operations: readonly Operation[]): Promise<void> {
    const keys = [COUNTS, ...SHARD_KEYS];
    for (const { place } of operations) keys.push(tentativeKey(place.place), endedKey(place.place));
    const args = operations.flatMap((operation) => operation.args);
    try {
      const answers = (await this.membership.run(VISITS, bucket, keys, args)) as readonly (readonly string[])[];
      operations.forEach(({ done }, i) => done(answers[i]));
    } catch (error) {
      // Without a lease others have closed what it had; it claims anew what it has when it has joined again.
      const isLost = (error as { code?: unknown }).code === 'ERR_CLUSTER_ALONE';
      const kept = isLost || this.isClosed ? [] : operations.filter(({ isKept }) => isKept);
      for (const operation of operations) if (!kept.includes(operation)) operation.done(undefined);
      this.queues[bucket]?.unshift(...kept);
      if (!isLost) this.logger.debug({ error }, `cluster: visits could not be told: ${wordsOf(error)}.`);
      throw error;
    }
  }
}

/** Ids of connections are the adapter's own: they are written without blanks. */
const decoded = (answer: readonly string[]): readonly string[] =>
  answer.map((field, i) => (i === 1 ? decodeURIComponent(String(field)) : String(field)));
