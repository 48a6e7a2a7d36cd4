import type { Clock, CloseReason, Logger } from '@stream-sessions/core';
import type { Part, VisitIdentity } from '@stream-sessions/core/spi';
import { wordsOf } from '../errors.js';
import { BUCKETS } from '../link/link.js';
import { leaseLost } from '../membership/membership-errors.js';
import type { Membership } from '../membership/membership.js';
import { readHappenings, type Happening } from './happening.js';
import { Outbox, type OnHappened } from './outbox.js';
import { MAX_ACKNOWLEDGED, outboxKey, READ_OUTBOX } from './outbox-steps.js';
import { aboutOf, encoded, namesText, placeOf, readNames, readTime, shardOf, SHARDS, type Place } from './fields.js';
import { LatestSteps } from './latest-steps.js';
import { claimArgs, COUNTED, decoded, endArgs, NEWS, NOT_BEGUN, readAsked, readEnded, visitText } from './operation.js';
import type { Answer, Asked, Begun, Claim, Claimed, EndAnswer, Operation } from './operation.js';
import { BEHIND, keysOfStep, VISITS, type What } from './visit-steps.js';

/** Operations per step. */
const AT_ONCE = 100;
/** How long operations that can wait are gathered. Milliseconds. */
const LATER_MS = 10;
/** The pause before what failed is retried. Milliseconds. */
const RETRY_MS = 500;
/** Redis is told what has been reported after this, unless another step does so earlier. Milliseconds. */
const TOLD_MS = 1_000;
/** The most operations that wait for a bucket that does not answer; older ones are dropped. */
const MAX_WAITING = 100_000;

/** The visits of the cluster, as this node reads and writes them: operations are gathered, and taken in order. */
export class VisitBook {
  /** Of each bucket one for each hash: a step is about one of them. */
  private readonly queues = Array.from({ length: BUCKETS }, () =>
    Array.from({ length: SHARDS }, (): Operation[] => []),
  );
  private readonly running = new Map<number, Promise<void>>();
  private readonly timers = new Map<number, { readonly at: number; readonly timer: unknown }>();
  private readonly soon = new Set<number>();
  /** Steps that may have taken effect, by bucket. */
  private readonly unsure = new Map<number, string[]>();
  /** Visits that this node is releasing or giving back: the number of pending operations. */
  private readonly leaving = new Map<string, number>();
  readonly latest: LatestSteps;
  private isClosed = false;
  readonly outbox = new Outbox((bucket) => this.flushLater(bucket, TOLD_MS));

  constructor(
    private readonly membership: Membership,
    private readonly clock: Clock,
    private readonly logger: Logger,
    /** Receives what a step has caused whose answer was lost. */
    private readonly onHappened: OnHappened,
    /** Called when the count of a kind and stream changes by one. */
    private readonly onCounted: (bucket: number, about: string, change: 1 | -1) => void = nothing,
  ) {
    this.latest = new LatestSteps(membership, clock);
  }

  /**
   * The visit of a hit; undefined: nobody can tell. This node then holds a part of that visit.
   *
   * @param onAnswer Gets the answer even if it is too late for the asker
   */
  async find(asked: VisitIdentity, onAnswer: (answer: Asked) => void): Promise<Asked | undefined> {
    const place = placeOf(asked);
    const about = aboutOf(asked.kind, asked.stream);
    const shown = namesText(asked.names);
    const read = (answer: Answer): Asked => readAsked(answer, place, shown, (visit) => this.leaving.has(visit));
    const args = [encoded(asked.id), about, shown];
    const answer = await this.add('F', place, about, args, (each) => onAnswer(read(each)));
    return answer && read(answer);
  }

  /** Nobody was admitted. `begun`: the step by which the visit began, if it was one of this node. */
  async giveBack(place: Place, visit: Pick<Part, 'id' | 'openedAt' | 'kind' | 'stream'>, begun: Begun | undefined) {
    const args = [...visitText(visit), begun?.step ?? '-'];
    const answer = await this.add('G', place, aboutOf(visit.kind, visit.stream), args);
    return answer && { how: answer.fields[0], ended: readEnded(answer) };
  }

  /** Answers `over` where the visit has ended for everybody. */
  async claim(part: Part, why: Claim): Promise<Claimed | 'over' | undefined> {
    const about = aboutOf(part.kind, part.stream);
    const args = [...visitText(part), about, namesText(part.names), ...claimArgs(part, why, this.membership.former)];
    const answer = await this.add('C', placeOf(part), about, args);
    if (answer === undefined) return undefined;
    if (answer.fields[0] === 'over') return 'over';
    const [how, id = '', openedAt = '', names = '-'] = answer.fields;
    const { told } = answer.begun;
    return {
      visit: { id, openedAt: readTime(openedAt), names: readNames(names) },
      opened: how === 'opened' ? told : undefined,
      closed: how === 'moved' ? told : undefined,
    };
  }

  letGo(part: Part, reason: CloseReason): Promise<EndAnswer> {
    return this.end('L', part, endArgs(part, reason));
  }

  /** `logAt`: the position in the log of the denial that keeps the viewer out. */
  close(part: Part, reason: CloseReason, logAt: number | undefined): Promise<EndAnswer> {
    return this.end('X', part, [...endArgs(part, reason), logAt === undefined ? '-' : String(logAt)]);
  }

  stop(): void {
    this.isClosed = true;
    for (const { timer } of this.timers.values()) this.clock.clearTimeout(timer);
    for (const queue of this.queues.flat())
      for (const operation of queue.splice(0)) operation.done(undefined, NOT_BEGUN);
  }

  /** Resolves when everything pending has been tried. */
  async flushed(): Promise<void> {
    await Promise.all(this.queues.map((_, bucket) => this.flush(bucket)));
  }

  /** This node leaves. False: it may still hold parts in this bucket, or have events there that nobody was told of. */
  async hasLeft(bucket: number): Promise<boolean> {
    if (this.isBehind(bucket) || this.unsure.has(bucket)) return false;
    await this.latest.forget(bucket);
    return true;
  }

  private async end(what: 'L' | 'X', part: Part, args: readonly string[]): Promise<EndAnswer> {
    const about = aboutOf(part.kind, part.stream);
    const answer = await this.add(what, placeOf(part), about, [...visitText(part), ...args]);
    return answer && (readEnded(answer) ?? 'none');
  }

  private add(
    what: What,
    { bucket, place }: Place,
    about: string,
    args: readonly string[],
    onAnswer: (answer: Answer) => void = nothing,
  ): Promise<Answer | undefined> {
    const queue = this.queueOf(bucket, shardOf(place));
    if (this.isClosed || queue.length >= MAX_WAITING) return Promise.resolve(undefined);
    const isQuestion = what === 'F';
    const leaves = LEAVE.includes(what) ? `${args[0]} ${args[1]}` : undefined;
    if (leaves !== undefined) this.leaving.set(leaves, (this.leaving.get(leaves) ?? 0) + 1);
    return new Promise((resolve) => {
      const done: Operation['done'] = (fields, begun) => {
        if (leaves !== undefined) this.endLeaving(leaves);
        const answer = fields && { fields: decoded(fields), begun };
        if (answer !== undefined) onAnswer(answer);
        resolve(answer);
      };
      queue.push({ args: [what, place, ...args], about, isQuestion, done });
      if (isQuestion) this.flushSoon(bucket);
      else this.flushLater(bucket, LATER_MS);
    });
  }

  private endLeaving(visit: string): void {
    const left = (this.leaving.get(visit) ?? 1) - 1;
    if (left === 0) this.leaving.delete(visit);
    else this.leaving.set(visit, left);
  }

  /** Operations requested in one turn of the event loop are sent together. */
  private flushSoon(bucket: number): void {
    if (this.soon.has(bucket)) return;
    this.soon.add(bucket);
    setImmediate(() => {
      this.soon.delete(bucket);
      void this.flush(bucket);
    });
  }

  /** Operations that can wait do not delay the others. */
  private flushLater(bucket: number, ms: number): void {
    const at = this.clock.now() + ms;
    const waiting = this.timers.get(bucket);
    if (this.isClosed || (waiting !== undefined && waiting.at <= at)) return;
    this.clock.clearTimeout(waiting?.timer);
    const flush = (): void => {
      this.timers.delete(bucket);
      void this.flush(bucket);
    };
    this.timers.set(bucket, { at, timer: this.clock.setTimeout(flush, ms) });
  }

  private flush(bucket: number): Promise<void> {
    const running = this.running.get(bucket) ?? this.drain(bucket).finally(() => this.running.delete(bucket));
    this.running.set(bucket, running);
    return running;
  }

  private async drain(bucket: number): Promise<void> {
    try {
      await this.makeSure(bucket);
      for (let shard = 0; this.isBehind(bucket); shard = (shard + 1) % SHARDS) {
        const queue = this.queueOf(bucket, shard);
        if (queue.length > 0) await this.send(bucket, shard, queue.splice(0, AT_ONCE));
        else if (!this.hasWork(bucket)) await this.send(bucket, shard, []);
      }
    } catch {
      this.flushLater(bucket, RETRY_MS);
    }
  }

  private queueOf(bucket: number, shard: number): Operation[] {
    return this.queues[bucket]?.[shard] as Operation[];
  }

  private hasWork(bucket: number): boolean {
    return this.queues[bucket]?.some(({ length }) => length > 0) === true;
  }

  /** Or Redis is to be told what has been reported. */
  private isBehind(bucket: number): boolean {
    return this.hasWork(bucket) || this.outbox.hasTold(bucket);
  }

  private async send(bucket: number, shard: number, operations: readonly Operation[]): Promise<void> {
    const { outbox, membership } = this;
    const keys = keysOfStep(membership.incarnation, shard);
    const step = outbox.next();
    const told = outbox.take(bucket);
    const args = [
      step,
      told.join() || '-',
      this.latest.of(bucket, shard),
      ...operations.flatMap((operation) => operation.args),
    ];
    try {
      const reply = await membership.run(VISITS, bucket, keys, args);
      if (reply === BEHIND) {
        await membership.lostWrites();
        throw leaseLost();
      }
      if (operations.length > 0) this.latest.answered(bucket, shard, step);
      const [texts, before] = reply as unknown as StepAnswer;
      const answers = texts.map((text) => text.split(' '));
      this.answer(bucket, step, operations, answers, before);
    } catch (error) {
      outbox.giveBack(bucket, told);
      // Without a lease, others have closed its visits; it claims them again when it has rejoined.
      const isLost = (error as { code?: unknown }).code === 'ERR_CLUSTER_ALONE';
      const isKept = !isLost && !this.isClosed;
      for (const { isQuestion, done } of operations) if (!isKept || isQuestion) done(undefined, NOT_BEGUN);
      const kept = isKept ? operations : [];
      this.queueOf(bucket, shard).unshift(...kept);
      // after a lease has ended, the outbox belongs to somebody else
      if (isLost) this.unsure.delete(bucket);
      else this.unsure.set(bucket, [...(this.unsure.get(bucket) ?? []), step].slice(-MAX_ACKNOWLEDGED));
      if (!isLost) this.logger.debug({ error }, `cluster: visits could not be reported: ${wordsOf(error)}.`);
      throw error;
    }
  }

  /** @param before What this very step caused when it ran before, and its answer was lost. */
  private answer(
    bucket: number,
    step: string,
    operations: readonly Operation[],
    answers: Answers,
    before: string,
  ): void {
    const begunIds = new Set(answers.flatMap(([how, id, at]) => (how === 'new' ? [`${id} ${at}`] : [])));
    const news = answers.reduce((sum, [how = '']) => sum + (NEWS[how] ?? 0), 0);
    // a question that ran twice returns what it began
    const lost = readHappenings(before).filter(
      (happening) => happening.how === 'closed' || !begunIds.has(visitText(happening).join(' ')),
    );
    const told = this.outbox.expect(bucket, step, lost.length + news);
    operations.forEach(({ about, done }, i) => {
      const change = COUNTED[answers[i]?.[0] ?? ''];
      if (change !== undefined) this.onCounted(bucket, about, change);
      done(answers[i], { step, told });
    });
    this.hear(bucket, step, lost, told);
  }

  private hear(bucket: number, step: string, happenings: readonly Happening[], told: () => void): void {
    for (const happening of happenings) {
      this.onHappened(happening, told, { step, place: { bucket, place: happening.where } });
    }
  }

  /** Steps without an answer may have taken effect. */
  private async makeSure(bucket: number): Promise<void> {
    const { membership, outbox } = this;
    const steps = this.unsure.get(bucket);
    if (steps === undefined) return;
    const texts = await membership.run(READ_OUTBOX, bucket, [outboxKey(membership.incarnation)], steps);
    this.unsure.delete(bucket);
    steps.forEach((step, i) => {
      const happenings = readHappenings((texts as readonly string[])[i] ?? '');
      const told = outbox.expect(bucket, step, happenings.length);
      this.hear(bucket, step, happenings, told);
    });
  }
}

type Answers = readonly (readonly string[])[];
type StepAnswer = readonly [answers: readonly string[], before: string];

/** After these operations, this node no longer holds a part. */
const LEAVE = 'LGX';
const nothing = (): void => undefined;
