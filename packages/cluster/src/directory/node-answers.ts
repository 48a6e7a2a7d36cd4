import type { KickOptions, PlaySession, SessionFilter, SessionTracker } from '@stream-sessions/core';
import type { ClusterPort } from '@stream-sessions/core/spi';
import type { Member } from '../member.js';
import { keyOf, type PartRow } from './merge-rows.js';
import type { OperatorWords } from './operator-words.js';

/** A node's answer to a kick. */
export interface KickAnswer {
  /** The kick was carried out. */
  readonly kicked: boolean;
  /** The opening time of the visit that was kicked. */
  readonly cut?: number;
  /** The position in the log of the denial that keeps the viewer out. */
  readonly logAt: number;
}

/** This node's answers when a directory asks all nodes: its own share of everything. */
export class NodeAnswers {
  constructor(
    private readonly tracker: SessionTracker,
    private readonly port: ClusterPort,
    private readonly words: OperatorWords,
    private readonly name: string,
  ) {}

  /** Call it before the member joins. */
  answerIn({ mailbox }: Member): void {
    const { tracker } = this;
    mailbox.on('list', (filter) => tracker.list(filter as SessionFilter).map((row) => this.partRow(row)));
    mailbox.on('keys', (filter) => tracker.list(filter as SessionFilter).map(keyOf));
    const partOf = (id: string): PartRow | null => {
      const row = tracker.get(id);
      return row === undefined ? null : this.partRow(row);
    };
    mailbox.on('get', (id) => partOf(id as string));
    mailbox.on('rows', (ids) => (ids as string[]).map(partOf));
    mailbox.on('streams', () => tracker.streams());
    mailbox.on('stats', () => ({ ...tracker.stats() }));
    mailbox.on('denials', () => tracker.denials());
    mailbox.on('explain', (id) => tracker.explain(id as string) ?? null);
    mailbox.on('tag', (asked) => {
      const { id, tags } = asked as { id: string; tags: Record<string, string> };
      return tracker.tag(id, tags);
    });
    mailbox.on('kick', async (asked) => {
      const { id, options } = asked as { id: string; options: KickOptions };
      const kicked = tracker.kick(id, options);
      const row = tracker.get(id);
      // kicked by the log entry of another node, which was faster than this question
      const cut = kicked || row?.closeReason === 'kicked' ? row?.openedAt : undefined;
      return { kicked, cut, logAt: kicked ? ((await this.words.said()) ?? 0) : 0 };
    });
    mailbox.on('kickAll', async (asked) => {
      const { filter, options } = asked as { filter: SessionFilter; options: KickOptions };
      const ids = tracker.list({ ...filter, status: 'active' }).map(({ id }) => id);
      const kicked = ids.filter((id) => tracker.kick(id, options));
      await this.words.said();
      return kicked;
    });
    mailbox.on('invalidate', (streams) => tracker.invalidate((streams as string[] | null) ?? undefined));
    mailbox.on('reauthorize', (target) => tracker.reauthorize(target as { user?: string; session?: string }));
  }

  private partRow(row: PlaySession): PartRow {
    const place = row.closedAt === undefined ? this.port.part(row.id)?.place : undefined;
    return { row, place, node: this.name };
  }
}
