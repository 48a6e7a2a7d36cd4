import type { Clock, CloseReason, Logger } from '@stream-sessions/core';
import type { FoundVisit, Part, VisitIdentity } from '@stream-sessions/core/spi';
import { wordsOf } from '../errors.js';
import { BUCKETS } from '../link/link.js';
import type { Membership } from '../membership/membership.js';
import { readHappenings } from './happening.js';
import { Outbox, type OnHappened } from './outbox.js';
import { MAX_ACKNOWLEDGED, outboxKey, READ_OUTBOX } from './outbox-steps.js';
import { aboutOf, allowedText, namesText, placeOf, readAllowed, readNames, type Place } from './fields.js';
import { COUNTS, nearKey, SHARD_KEYS, VISITS } from './visit-steps.js';

/** Operations in one step. */
const AT_ONCE = 100;
/** What happened waits so long for more of it. */
const LATER_MS = 10;
/** What could not be told is told again after this. */
const RETRY_MS = 500;
/** What was told is said to Redis after this, where no other step does it earlier. */
const TOLD_MS = 250;
/** So many operations wait for a bucket that does not answer; older ones are forgotten. */
const MAX_WAITING = 100_000;

/** Where kind and stream stand in the arguments of an operation. */
const ABOUT = 4;

/** What came of a claim. */
export interface Claimed {
  /** The visit that it is a part of: itself, unless it turned out to be another. */
  readonly visit: Pick<FoundVisit, 'id' | 'openedAt' | 'names'>;
  /** It began by this: to be called when that has been told. */
  readonly opened: (() => void) | undefined;
}

/** What came of a part that has ended. */
export interface Ended {
  /** All of it has ended, and no part is left: to be called when that has been told. */
  readonly closed: (() => void) | undefined;
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
  readonly done: (answer: readonly string[] | undefined, told: () => void) => void;
}

/** The visits of the cluster, as this node reads and writes them: operations are gathered, and taken in order. */
export class VisitBook {
  private readonly queues: Operation[][] = Array.from({ length: BUCKETS }, () => []);
  private readonly running = new Map<number, Promise<void>>();
  private readonly timers = new Map<number, unknown>();
  private readonly soon = new Set<number>();
  /** Steps that may have happened, by bucket. */
  private readonly unsure = new Map<number, string[]>();
  private isClosed = false;
  readonly outbox = new Outbox((bucket) => this.flushLater(bucket, TOLD_MS));

  constructor(
    private readonly membership: Membership,
    private readonly clock: Clock,
    private readonly logger: Logger,
    /** What has happened by a step whose answer was lost. */
    private readonly onHappened: OnHappened,
    /** One more or one less of a kind and stream. */
    private readonly onCounted: (bucket: number, about: string, change: 1 | -1) => void = nothing,
  ) {}

  /** Whose hit it is, and how far the log has to be read by then. Undefined: nobody can tell. */
  async find(asked: VisitIdentity): Promise<{ found: FoundVisit; logAt: number } | undefined> {
    const answer = await this.add('F', asked, undefined, '-');
    if (answer === undefined) return undefined;
    const [how, id = '', openedAt, names = '-', allowed = '-', logAt] = answer.fields;
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
    if (answer === undefined || answer.fields[0] === 'none') return undefined;
    const [how, id = '', openedAt, names = '-'] = answer.fields;
    const opened = how === 'opened' ? answer.told : undefined;
    return { visit: { id, openedAt: Number(openedAt), names: readNames(names) }, opened };
  }

  letGo(part: Part, reason: CloseReason): Promise<Ended | undefined> {
    return this.end('L', part, reason, '-');
  }

  /** `logAt`: where in the log it stands who may not come back. */
  close(part: Part, reason: CloseReason, logAt: number | undefined): Promise<Ended | undefined> {
    return this.end('X', part, reason, logAt === undefined ? '-' : String(logAt));
  }

  stop(): void {
    this.isClosed = true;
    for (const timer of this.timers.values()) this.clock.clearTimeout(timer);
    for (const queue of this.queues) for (const operation of queue.splice(0)) operation.done(undefined, nothing);
  }

  /** Resolves when all that waits has been tried. */
  async flushed(): Promise<void> {
    await Promise.all(this.queues.map((_, bucket) => this.flush(bucket)));
  }

  private async end(what: 'L' | 'X', part: Part, reason: string, extra: string): Promise<Ended | undefined> {
    const answer = await this.add(what, part, part, extra, encodeURIComponent(reason));
    if (answer === undefined || answer.fields[0] === 'none') return undefined;
    const [how, updatedAt, bytes, received, holders = '-'] = answer.fields;
    return {
      closed: how === 'closed' ? answer.told : undefined,
      isAsked: how === 'asked',
      updatedAt: Number(updatedAt),
      bytes: Number(bytes),
      bytesReceived: Number(received),
      holders: holders === '-' ? [] : holders.split(','),
    };
  }

  private add(
    what: 'F' | 'C' | 'L' | 'X',
    asked: VisitIdentity,
    part: Part | undefined,
    extra: string,
    shownNames = namesText(asked.names),
  ): Promise<Answer | undefined> {
    const place = placeOf(asked);
    const { kind, stream, id } = asked;
    const figures = [part?.updatedAt ?? 0, part?.bytes ?? 0, part?.bytesReceived ?? 0].map((n) => n.toFixed(0));
    const shown = [`${what}${place.shard}`, place.place, encodeURIComponent(id), String(part?.openedAt ?? 0)];
    const args = [...shown, aboutOf(kind, stream), shownNames, ...figures, allowedText(part?.allowedUntil), extra];
    const queue = this.queues[place.bucket] as Operation[];
    if (this.isClosed || queue.length >= MAX_WAITING) return Promise.resolve(undefined);
    return new Promise((done) => {
      const answered: Operation['done'] = (answer, told) => done(answer && { fields: decoded(answer), told });
      queue.push({ place, args, isKept: what !== 'F', done: answered });
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
      await this.makeSure(bucket);
      while (queue.length > 0 || this.outbox.hasTold(bucket)) await this.send(bucket, queue.splice(0, AT_ONCE));
    } catch {
      this.flushLater(bucket, RETRY_MS);
    }
  }

  private async send(bucket: number, operations: readonly Operation[]): Promise<void> {
    const { outbox, membership } = this;
    const keys = [COUNTS, outboxKey(membership.incarnation), ...SHARD_KEYS];
    for (const { place } of operations) keys.push(nearKey(place.place));
    const step = outbox.next();
    const told = outbox.take(bucket);
    const args = [step, told.join() || '-', ...operations.flatMap((operation) => operation.args)];
    try {
      const [texts, before] = (await membership.run(VISITS, bucket, keys, args)) as unknown as StepAnswer;
      const answers = texts.map((text) => text.split(' '));
      this.answer(bucket, step, operations, answers, before);
    } catch (error) {
      outbox.giveBack(bucket, told);
      // Without a lease others have closed what it had; it claims anew what it has when it has joined again.
      const isLost = (error as { code?: unknown }).code === 'ERR_CLUSTER_ALONE';
      const kept = isLost || this.isClosed ? [] : operations.filter(({ isKept }) => isKept);
      for (const operation of operations) if (!kept.includes(operation)) operation.done(undefined, nothing);
      this.queues[bucket]?.unshift(...kept);
      // of a lease that has ended, somebody else has the outbox by now
      if (isLost) this.unsure.delete(bucket);
      else this.unsure.set(bucket, [...(this.unsure.get(bucket) ?? []), step].slice(-MAX_ACKNOWLEDGED));
      if (!isLost) this.logger.debug({ error }, `cluster: visits could not be told: ${wordsOf(error)}.`);
      throw error;
    }
  }

  /** @param before by this very step, when it ran before: its answers then were lost */
  private answer(
    bucket: number,
    step: string,
    operations: readonly Operation[],
    answers: Answers,
    before: string,
  ): void {
    const isNews = (fields: readonly string[] = []): boolean => fields[0] === 'opened' || fields[0] === 'closed';
    const lost = readHappenings(before);
    const told = this.outbox.expect(bucket, step, lost.length + answers.filter(isNews).length);
    operations.forEach(({ args, done }, i) => {
      const how = answers[i]?.[0];
      if (isNews(answers[i])) this.onCounted(bucket, args[ABOUT] ?? '', how === 'opened' ? 1 : -1);
      done(answers[i], told);
    });
    for (const happening of lost) this.onHappened(happening, told);
  }

  /** Steps that were not answered may have happened. */
  private async makeSure(bucket: number): Promise<void> {
    const { membership, outbox } = this;
    const steps = this.unsure.get(bucket);
    if (steps === undefined) return;
    const texts = await membership.run(READ_OUTBOX, bucket, [outboxKey(membership.incarnation)], steps);
    this.unsure.delete(bucket);
    steps.forEach((step, i) => {
      const happenings = readHappenings((texts as readonly string[])[i] ?? '');
      const told = outbox.expect(bucket, step, happenings.length);
      for (const happening of happenings) this.onHappened(happening, told);
    });
  }
}

type Answers = readonly (readonly string[])[];
type StepAnswer = readonly [answers: readonly string[], before: string];

interface Answer {
  readonly fields: readonly string[];
  readonly told: () => void;
}

const nothing = (): void => undefined;

/** Ids of connections are the adapter's own: they are written without blanks. */
const decoded = (answer: readonly string[]): readonly string[] =>
  answer.map((field, i) => (i === 1 ? decodeURIComponent(field) : field));
