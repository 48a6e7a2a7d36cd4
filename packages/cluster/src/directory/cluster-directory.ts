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
  type SessionDirectory,
  type SessionFilter,
  type SinkOptions,
  type StreamSummary,
  type TrackerEvents,
  type TrackerStats,
} from '@stream-sessions/core';
import { checkFilter, SESSION_KINDS, type SharedSlots } from '@stream-sessions/core/spi';
import type { ClusterNode } from '../membership/node-list.js';
import type { LiveCounts } from '../visits/live-counts.js';
import { readFigures, type Figures } from '../visits/visit-figures.js';
import { mergedDenials, type ListedDenial } from './merge-denials.js';
import { mergedExplanation } from './merge-explanations.js';
import { byVisit, mergedRow, type ClusterSession, type PartRow } from './merge-rows.js';
import { inOrder } from './row-order.js';
import { mergedStats, mergedStreams } from './merge-stats.js';
import { found, kickAllEverywhere, kickEverywhere, unreachable, type KickParts } from './kick-everywhere.js';
import { liftHere, type NodeAnswers } from './node-answers.js';
import { Pages } from './pages.js';
import type { OperatorWords } from './operator-words.js';
import type { ClusterEvents } from './cluster-events.js';
import { countOfAll } from './visit-set.js';

/** The most rows in one list. */
export const MAX_ROWS = 1_000;
/** How long to wait for the other nodes. Milliseconds. */
const ANSWER_MS = 1_000;

/** Rows of the list. `partial`: some nodes have not answered in time. */
export interface ClusterList extends ReadonlyArray<ClusterSession> {
  readonly partial: boolean;
  /** Their names. */
  readonly missing: readonly string[];
}

/** The state of the cluster as this node sees it. */
export interface ClusterHealth {
  /** True: this node holds no lease, and newcomers are treated as `whenAlone` says. */
  readonly isAlone: boolean;
  /** The clock of the cluster minus that of this process, in milliseconds. */
  readonly clockOffsetMs: number;
  /** Names of nodes whose clocks differ from that of the cluster by more than a second. */
  readonly clocksApart: readonly string[];
}

/** All nodes of a cluster as one directory: `sessionsApi()` and others accept it in place of a tracker. */
export interface ClusterDirectory extends SessionDirectory {
  list(filter?: SessionFilter): Promise<ClusterList>;
  count(filter?: SessionFilter): Promise<number>;
  get(id: string): Promise<ClusterSession | undefined>;
  /** Each end is reported by some node, whatever becomes of this one. */
  readonly tellsEveryEnd: true;
  /**
   * Sends events to a sink: `session.opened` and `session.closed` once per visit, from the node whose step caused them; after a
   * crash possibly again, with the same `id`. The parts on this node come first. Each node has its own sinks, and reports its
   * share. Returns the function that removes the sink.
   *
   * @throws StreamSessionsError ERR_BAD_OPTION
   */
  addSink(sink: EventSink, options?: SinkOptions): () => void;
  /**
   * Works from any node. Resolves when all nodes have cut the session and know whom to keep out, or after a second: `pending` are
   * those that have not confirmed it. False: no node has such a live session.
   *
   * @throws StreamSessionsError ERR_CLUSTER_ALONE (as a rejection) if no node that answers has it, and not all can be asked
   */
  kick(id: string, options?: KickOptions): Promise<false | KickedAt>;
  /**
   * What the nodes know about it, merged; `partial` if some have not answered within a second.
   *
   * @throws StreamSessionsError ERR_CLUSTER_ALONE (as a rejection) if no node that answers has it, and not all have answered
   */
  explain(id: string): Promise<Explanation | undefined>;
  /** The living nodes. */
  nodes(): readonly ClusterNode[];
  readonly health: ClusterHealth;
  /**
   * The events of all nodes, for live displays such as the feed of `sessionsApi()`. Other nodes are asked to report only while
   * there are listeners.
   */
  readonly everywhere: Everywhere;
  /** For `concurrencyPolicy({ shared })`. */
  readonly slots: SharedSlots;
  /** This node releases all its parts, and its tracker is independent again. The link stays open. */
  leave(): Promise<void>;
}

export interface DirectoryParts extends KickParts {
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
      isAlone: !this.parts.member.holds(0),
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
    const { answers, missing } = await this.ask<boolean>('tag', { id, tags });
    return found(answers.find(({ answer }) => answer)?.answer, missing) ?? false;
  }

  async deny(target: DenialTarget, options?: DenyOptions): Promise<Denial> {
    const denial = this.parts.tracker.deny(target, options);
    await this.reached(await this.parts.words.said());
    return denial;
  }

  async liftDenial(which: string | DenialTarget): Promise<boolean> {
    const { tracker, words } = this.parts;
    const all = typeof which === 'string' ? await this.withThoseOfOneKick(which) : [which];
    // those that a policy of another node has made are only there
    if (!liftHere(tracker, all)) return (await this.ask<boolean>('lift', all)).answers.some(({ answer }) => answer);
    await this.reached(await words.said());
    return true;
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

  private ask<T>(what: string, body: unknown, timeoutMs = ANSWER_MS) {
    return this.parts.member.mailbox.ask<T>(this.askable(), what, body, timeoutMs);
  }

  private askable(): readonly ClusterNode[] {
    const nodes = this.nodes();
    if (nodes.length > 0) return nodes;
    throw new StreamSessionsError('ERR_CLUSTER_ALONE', 'No node of the cluster can be reached.');
  }

  private async listedDenials(): Promise<ListedDenial[]> {
    const { answers } = await this.ask<Denial[]>('denials', null);
    return mergedDenials(answers.map(({ answer }) => answer));
  }

  /** Only the given id while no node can be asked. */
  private async withThoseOfOneKick(id: string): Promise<readonly string[]> {
    const listed = await this.listedDenials().catch(() => []);
    return listed.find(({ ids }) => ids.includes(id))?.ids ?? [id];
  }

  private async reached(logAt: number | undefined): Promise<void> {
    if (logAt !== undefined && logAt > 0) await this.ask('reached', logAt);
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
