import {
  StreamSessionsError,
  type Denial,
  type DenialTarget,
  type DenyOptions,
  type EventSink,
  type Everywhere,
  type Explanation,
  type InvalidateResult,
  type KickedAt,
  type KickOptions,
  type SessionFilter,
  type SharedDenial,
  type SinkOptions,
  type StreamSummary,
  type TrackerEvents,
  type TrackerStats,
} from '@stream-sessions/core';
import { checkFilter, checkTags, SESSION_KINDS, type ClusterPort, type SharedSlots } from '@stream-sessions/core/spi';
import { EVERY_BUCKET } from '../link/link.js';
import type { ClusterNode } from '../membership/node-list.js';
import type { LiveCounts } from '../visits/live-counts.js';
import { readFigures, type Figures } from '../visits/visit-figures.js';
import type { ClusterDirectory, ClusterHealth, ClusterList } from './cluster-directory.js';
import { kickOf, mergedDenials, type ListedDenial, type OfKick } from './merge-denials.js';
import { mergedExplanation } from './merge-explanations.js';
import { byVisit, mergedRow, type ClusterSession, type PartRow } from './merge-rows.js';
import { inOrder } from './row-order.js';
import { mergedStats, mergedStreams } from './merge-stats.js';
import { found, kickAllEverywhere, kickEverywhere, namesOf, unreachable, type KickParts } from './kick-everywhere.js';
import { liftHere, type NodeAnswers } from './node-answers.js';
import { Pages } from './pages.js';
import type { OperatorWords } from './operator-words.js';
import type { ClusterEvents } from './cluster-events.js';
import { countOfAll } from './visit-set.js';

/** The most rows in one list. */
export const MAX_ROWS = 1_000;
/** How long to wait for the other nodes. Milliseconds. */
const ANSWER_MS = 1_000;

export interface DirectoryParts extends KickParts {
  readonly port: Pick<ClusterPort, 'denials'>;
  readonly words: OperatorWords;
  readonly events: ClusterEvents;
  readonly everywhere: Everywhere;
  readonly answers: NodeAnswers;
  readonly counts: LiveCounts;
  readonly slots: SharedSlots;
  readonly onLeave: () => Promise<void>;
}

/** Asks all nodes, and merges their answers. */
export class NodesAsOne implements ClusterDirectory {
  readonly tellsEveryEnd = true;

  private readonly pages: Pages;

  constructor(private readonly parts: DirectoryParts) {
    const { mailbox } = parts.member;
    this.pages = new Pages((nodes, filter) => mailbox.ask<PartRow[]>(nodes, 'list', filter, ANSWER_MS));
  }

  get slots(): SharedSlots {
    return this.parts.slots;
  }

  get everywhere(): Everywhere {
    return this.parts.everywhere;
  }

  nodes(): readonly ClusterNode[] {
    return this.parts.member.membership.nodes.living();
  }

  get health(): ClusterHealth {
    const { membership } = this.parts.member;
    const apart = this.nodes().filter(({ clockOffsetMs }) => Math.abs(clockOffsetMs) > 1_000);
    return {
      isAlone: !EVERY_BUCKET.every((bucket) => this.parts.member.holds(bucket)),
      clockOffsetMs: membership.nodes.clockOffsetMs,
      clocksApart: apart.map(({ name }) => name),
    };
  }

  async list(filter: SessionFilter = {}): Promise<ClusterList> {
    checkFilter(filter);
    const { limit = 0 } = filter;
    if (limit > MAX_ROWS) {
      throw new StreamSessionsError('ERR_LIMIT', `A list of a cluster has at most ${MAX_ROWS} rows. Read it in pages.`);
    }
    const asked = { ...filter, limit: limit > 0 ? limit : MAX_ROWS };
    const { visits, missing } = await this.pages.read(this.askable(), asked);
    const figures = await this.figuresOf(visits);
    const rows = visits.map((parts, i) => mergedRow(parts, figures?.[i]));
    const partial = missing.length > 0 || figures === undefined;
    return Object.assign(rows, { partial, missing: missing.map(({ name }) => name) });
  }

  async count(filter: SessionFilter = {}): Promise<number> {
    checkFilter(filter);
    const { stream, kind, status, ...rest } = filter;
    const isCounted = status === 'active' && Object.values(rest).every((value) => value === undefined);
    if (!isCounted) {
      const { answers } = await this.ask<string>('visits', filter);
      return countOfAll(answers.map(({ answer }) => answer));
    }
    const kinds = kind === undefined ? SESSION_KINDS : typeof kind === 'string' ? [kind] : kind;
    return this.parts.counts.count([...new Set(kinds)], stream || undefined);
  }

  async get(id: string): Promise<ClusterSession | undefined> {
    const { answers, missing } = await this.ask<PartRow | null>('get', id);
    const visits = byVisit(answers.flatMap(({ answer }) => (answer === null ? [] : [answer])));
    const latest = found(inOrder(visits, '-openedAt').sort((a, b) => closedLast(a) - closedLast(b))[0], missing);
    return latest && mergedRow(latest, (await this.figuresOf([latest]))?.[0]);
  }

  async streams(): Promise<readonly StreamSummary[]> {
    const [counts, { answers }] = await Promise.all([
      this.parts.counts.streams(),
      this.ask<StreamSummary[]>('streams', null),
    ]);
    return mergedStreams(
      answers.flatMap(({ answer }) => answer),
      counts,
    );
  }

  async stats(): Promise<TrackerStats> {
    const [{ answers }, counts] = await Promise.all([
      this.ask<TrackerStats>('stats', null),
      this.parts.counts.streams(),
    ]);
    return mergedStats(
      answers.map(({ answer }) => answer),
      counts,
    );
  }

  kick(id: string, options: KickOptions = {}): Promise<false | KickedAt> {
    return kickEverywhere(this.parts, id, options);
  }

  kickAll(filter: SessionFilter, options: KickOptions = {}): Promise<number> {
    return kickAllEverywhere(this.parts, (asked) => this.list(asked), filter, options);
  }

  async tag(id: string, tags: Record<string, string>): Promise<boolean> {
    checkTags(tags);
    return this.atAnyNode('tag', { id, tags });
  }

  async deny(target: DenialTarget, options?: DenyOptions): Promise<SharedDenial> {
    const denial = this.parts.tracker.deny(target, options);
    return Object.freeze({ ...denial, pending: await this.notReached() });
  }

  async liftDenial(which: string | DenialTarget): Promise<boolean> {
    const { tracker } = this.parts;
    const all = typeof which === 'string' ? await this.withThoseOfOneKick(which) : [which];
    // those that a policy of another node has made are only there
    if (liftHere(tracker, all)) {
      await this.notReached();
      return true;
    }
    return this.atAnyNode('lift', all);
  }

  async denials(): Promise<readonly Denial[]> {
    return (await this.listedDenials()).map(({ denial }) => denial);
  }

  async explain(id: string): Promise<Explanation | undefined> {
    const { answers, missing } = await this.ask<Explanation | null>('explain', id);
    const explanation = mergedExplanation(answers.flatMap(({ answer }) => answer ?? []));
    if (missing.length === 0) return explanation;
    if (explanation === undefined) throw unreachable(missing);
    return { ...explanation, partial: true, missing: missing.map(({ name }) => name) };
  }

  invalidate(streams?: string | readonly string[]): Promise<InvalidateResult> {
    return this.decidedAgain('invalidate', streams ?? null);
  }

  reauthorize(target: { user?: string; session?: string }): Promise<InvalidateResult> {
    return this.decidedAgain('reauthorize', target);
  }

  on<E extends keyof TrackerEvents>(event: E, listener: (event: TrackerEvents[E]) => void): () => void {
    return this.parts.events.on(event, listener);
  }

  addSink(sink: EventSink, options: SinkOptions = {}): () => void {
    return this.parts.events.addSink(sink, options);
  }

  leave(): Promise<void> {
    return this.parts.onLeave();
  }

  /** Whether a node has done it. Rejects if none has, and not all have answered. */
  private async atAnyNode(what: string, body: unknown): Promise<boolean> {
    const { answers, missing } = await this.ask<boolean>(what, body);
    return found(answers.find(({ answer }) => answer)?.answer, missing) ?? false;
  }

  /** Rejects, rather than throws, when no node can be asked: other questions of the same call may be on their way. */
  private async ask<T>(what: string, body: unknown, timeoutMs = ANSWER_MS) {
    return this.parts.member.mailbox.ask<T>(this.askable(), what, body, timeoutMs);
  }

  private askable(): readonly ClusterNode[] {
    const nodes = this.nodes();
    if (nodes.length > 0) return nodes;
    throw new StreamSessionsError('ERR_CLUSTER_ALONE', 'No node of the cluster can be reached.');
  }

  private async listedDenials(of: OfKick | null = null): Promise<ListedDenial[]> {
    const { answers } = await this.ask<Denial[]>('denials', of);
    return mergedDenials(answers.map(({ answer }) => answer));
  }

  /** Only the given id while no node can be asked. */
  private async withThoseOfOneKick(id: string): Promise<readonly string[]> {
    const [known] = this.parts.port.denials([id]);
    const kick = known && kickOf(known);
    // the same everywhere: nobody has to look through all of theirs
    if (known !== undefined && kick === undefined) return [id];
    const listed = await this.listedDenials({ id, kick }).catch(() => []);
    return listed.find(({ ids }) => ids.includes(id))?.ids ?? [id];
  }

  /** Names of the nodes that have not confirmed within a second that they have heard what was said here. */
  private async notReached(): Promise<readonly string[]> {
    const { mailbox, membership } = this.parts.member;
    const logAt = await this.parts.words.said();
    if (logAt === 0) return [];
    const nodes = membership.nodes.living();
    if (logAt === undefined || nodes.length === 0) return namesOf(membership.others());
    return namesOf((await mailbox.ask(nodes, 'reached', logAt, ANSWER_MS)).missing);
  }

  /** What their records say, with one request per bucket; undefined if Redis does not answer. */
  private figuresOf(visits: readonly (readonly PartRow[])[]): Promise<Figures[] | undefined> {
    const known = visits.map(([part]) => {
      const { row, place } = part as PartRow;
      return { id: row.id, openedAt: row.openedAt, place };
    });
    return readFigures(this.parts.member.membership, known).catch(() => undefined);
  }

  private async decidedAgain(what: string, body: unknown): Promise<InvalidateResult> {
    const { answers } = await this.ask<InvalidateResult>(what, body, 30_000);
    const sum = (field: keyof InvalidateResult): number => sumOf(answers.map(({ answer }) => answer[field]));
    return { asked: sum('asked'), kept: sum('kept'), closed: sum('closed'), denialsLifted: sum('denialsLifted') };
  }
}

const sumOf = (numbers: Iterable<number>): number => [...numbers].reduce((sum, n) => sum + n, 0);

const closedLast = ([part]: readonly PartRow[]): number => (part?.row.closedAt === undefined ? 0 : 1);
