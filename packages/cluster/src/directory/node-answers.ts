import type {
  Clock,
  DenialTarget,
  KickOptions,
  PlaySession,
  SessionFilter,
  SessionTracker,
} from '@stream-sessions/core';
import { inTime, type ClusterPort } from '@stream-sessions/core/spi';
import type { Member } from '../member.js';
import type { ClusterTime } from './cluster-time.js';
import { ofOneKick, type OfKick } from './merge-denials.js';
import type { PartRow } from './merge-rows.js';
import { VisitSet } from './visit-set.js';
import type { OperatorWords } from './operator-words.js';

/** Who asks waits for a second: what was done here is answered by then, whether or not it can be said to others. */
const SAYING_MS = 500;

/** A node's answer to a kick. */
export interface KickAnswer {
  /** The kick was carried out. */
  readonly kicked: boolean;
  /** The opening time of the visit that was kicked. */
  readonly cut?: number;
  /** The position in the log of the denial that keeps the viewer out; 0: there is none; -1: it is not in the log yet. */
  readonly logAt: number;
}

export interface NodeAnswersParts {
  readonly tracker: SessionTracker;
  readonly port: ClusterPort;
  readonly words: OperatorWords;
  readonly clock: Clock;
  readonly time: ClusterTime;
  /** Of this node. */
  readonly name: string;
}

/** Lifts denials of this node's tracker. Returns whether there was any. */
export const liftHere = (tracker: SessionTracker, which: readonly (string | DenialTarget)[]): boolean =>
  which.filter((each) => tracker.liftDenial(each)).length > 0;

/** This node's answers when a directory asks all nodes: its own share of everything. */
export class NodeAnswers {
  constructor(private readonly parts: NodeAnswersParts) {}

  /** Call it before the member joins. */
  answerIn({ mailbox }: Member): void {
    const { tracker, port } = this.parts;
    mailbox.on('list', async (filter) => {
      const rows = await port.list(filter as SessionFilter);
      return rows.map((row) => this.partRow(row));
    });
    mailbox.on('visits', async (filter) => {
      const visits = new VisitSet();
      await port.each(filter as SessionFilter, (visit) => visits.add(visit));
      return visits.text;
    });
    const partOf = (id: string): PartRow | null => {
      const row = tracker.get(id);
      return row === undefined ? null : this.partRow(row);
    };
    mailbox.on('get', (id) => partOf(id as string));
    mailbox.on('rows', (ids) => (ids as string[]).map(partOf));
    mailbox.on('streams', () => tracker.streams());
    mailbox.on('stats', () => ({ ...tracker.stats() }));
    mailbox.on('denials', (of) => (of === null ? tracker.denials() : ofOneKick(tracker.denials(), of as OfKick)));
    mailbox.on('explain', (id) => tracker.explain(id as string) ?? null);
    mailbox.on('tag', (asked) => {
      const { id, tags } = asked as { id: string; tags: Record<string, string> };
      return tracker.tag(id, tags);
    });
    mailbox.on('kick', async (asked) => {
      const { id, options } = asked as { id: string; options: KickOptions };
      const said = this.parts.words.said();
      const kicked = tracker.kick(id, options);
      const row = tracker.get(id);
      // kicked by the log entry of another node, which was faster than this question
      const cut = kicked || row?.closeReason === 'kicked' ? row?.openedAt : undefined;
      return { kicked, cut, logAt: await this.saidSince(said) };
    });
    mailbox.on('kickAll', async (asked) => {
      const { filter, options } = asked as { filter: SessionFilter; options: KickOptions };
      const said = this.parts.words.said();
      const kicked = port.kickAll(filter, options);
      await this.saidSince(said);
      return kicked;
    });
    mailbox.on('lift', (which) => liftHere(tracker, which as readonly (string | DenialTarget)[]));
    mailbox.on('invalidate', (streams) => tracker.invalidate((streams as string[] | null) ?? undefined));
    mailbox.on('reauthorize', (target) => tracker.reauthorize(target as { user?: string; session?: string }));
  }

  /** The position in the log of what was said last; 0: nothing since; -1: Redis is slower than an answer may be. */
  private async saidSince(before: Promise<unknown>): Promise<number> {
    const { words, clock } = this.parts;
    if (words.said() === before) return 0;
    return (await inTime(words.said(), SAYING_MS, clock)) ?? -1;
  }

  private partRow(row: PlaySession): PartRow {
    const { port, time, name } = this.parts;
    const place = row.closedAt === undefined ? port.place(row.id) : undefined;
    return { row: time.row(row), place, node: name };
  }
}
