import type { PlaySession, SessionProgress } from '@stream-sessions/core';
import { RecentMap } from '@stream-sessions/core/spi';
import { keyOf, mergedRow, type PartRow } from '../directory/merge-rows.js';
import type { Member } from '../member.js';
import type { ClusterNode } from '../membership/node-list.js';
import { readFigures, type Figures } from '../visits/visit-figures.js';
import { HOLDER_LENGTH } from '../membership/lease-steps.js';

/** What has moved in a visit, as reported by some of its nodes since it was last shown. */
export interface Moved {
  readonly key: string;
  readonly place: string | undefined;
  /** By incarnation. */
  readonly parts: Map<string, Part>;
}

interface Part {
  readonly progress: SessionProgress;
  readonly session: PlaySession | undefined;
}

/** A visit as it is shown: what has moved, and the whole row if more than that has changed. */
export interface Shown {
  readonly key: string;
  readonly progress: SessionProgress;
  readonly session: PlaySession | undefined;
  /** Several nodes report it, each at its own time. */
  readonly isOfSeveral: boolean;
}

/** A visit with parts on several nodes. */
interface Several {
  /** The latest report of each. */
  readonly parts: Map<string, SessionProgress>;
  /** The node names that it was shown with. */
  nodes: string;
}

const MAX_SEVERAL = 50_000;
const ANSWER_MS = 500;
/** The most whole rows requested at once. */
const MAX_ASKED = 200;

/** Merges what nodes report about the parts of a visit into one row, as the list does. */
export class ShownRows {
  private readonly several = new RecentMap<Several>({ max: MAX_SEVERAL });

  constructor(private readonly member: Member) {}

  /** The rows of live visits; those that have to wait for the next time are in `later`. Rejects while Redis cannot be asked. */
  async of(moved: readonly Moved[]): Promise<{ shown: Shown[]; later: Moved[] }> {
    const visits = moved.map(({ parts, place }) => {
      const { id, openedAt } = (parts.values().next().value as Part).progress;
      return { id, openedAt, place };
    });
    const figures = await readFigures(this.member.membership, visits);
    const shown: Shown[] = [];
    const whole: { moved: Moved; figures: Figures; holders: readonly ClusterNode[] }[] = [];
    const living = new Map(
      this.member.membership.nodes.living().map((node) => [node.incarnation.slice(0, HOLDER_LENGTH), node]),
    );
    moved.forEach((each, i) => {
      const known = figures[i] as Figures;
      const holders = known.holders.flatMap((holder) => living.get(holder) ?? []);
      if (holders.length === 0) return;
      const row = this.combined(each, known, holders);
      if (row === undefined) whole.push({ moved: each, figures: known, holders });
      else shown.push(row);
    });
    const now = whole.slice(0, MAX_ASKED);
    shown.push(...(await this.wholeRows(now)));
    return { shown, later: whole.slice(MAX_ASKED).map((each) => each.moved) };
  }

  /** From what is known. Undefined: the nodes have to be asked for the whole row. */
  private combined({ key, parts }: Moved, figures: Figures, holders: readonly ClusterNode[]): Shown | undefined {
    const known = this.several.get(key);
    const [only] = holders as [ClusterNode];
    if (holders.length === 1 && known === undefined) {
      const part = parts.get(only.incarnation);
      if (part === undefined) return undefined;
      const { progress, session } = part;
      const row = session && mergedRow([{ row: session, place: undefined, node: only.name }], figures);
      return { key, progress: summed([progress], figures), session: row, isOfSeveral: false };
    }
    const isNew = known?.nodes !== namesOf(holders) || [...parts.values()].some(({ session }) => session !== undefined);
    if (known === undefined || isNew) return undefined;
    for (const [incarnation, { progress }] of parts) known.parts.set(incarnation, progress);
    const all = holders.flatMap(({ incarnation }) => known.parts.get(incarnation) ?? []);
    if (all.length < holders.length) return undefined;
    return { key, progress: summed(all, figures), session: undefined, isOfSeveral: true };
  }

  private async wholeRows(
    asked: readonly { moved: Moved; figures: Figures; holders: readonly ClusterNode[] }[],
  ): Promise<Shown[]> {
    if (asked.length === 0) return [];
    const nodes = [...new Set(asked.flatMap(({ holders }) => holders))];
    const ids = asked.map(({ moved }) => (moved.parts.values().next().value as Part).progress.id);
    const { answers } = await this.member.mailbox.ask<(PartRow | null)[]>(nodes, 'rows', ids, ANSWER_MS);
    return asked.flatMap(({ moved: { key }, figures, holders }, i) => {
      const rows = answers.flatMap(({ node, answer }) => {
        const part = answer[i];
        const isPart = holders.includes(node) && part && keyOf(part.row) === key && part.row.closedAt === undefined;
        return isPart ? [{ ...part, incarnation: node.incarnation }] : [];
      });
      if (rows.length === 0) return [];
      if (holders.length === 1) this.several.delete(key);
      else {
        const parts = new Map(rows.map(({ row, incarnation }) => [incarnation, row]));
        this.several.set(key, { parts, nodes: namesOf(holders) });
      }
      const session = mergedRow(rows, figures);
      return [{ key, progress: session, session, isOfSeveral: holders.length > 1 }];
    });
  }
}

const namesOf = (nodes: readonly ClusterNode[]): string => JSON.stringify(nodes.map(({ name }) => name).sort());

/** The most recently active part is shown, bytes and connections add up. */
function summed(parts: readonly SessionProgress[], figures: Figures): SessionProgress {
  const [first] = parts as [SessionProgress];
  if (parts.length === 1) {
    if (figures.bytes + figures.bytesReceived === 0) return first;
    const bytes = first.bytes + figures.bytes;
    return { ...first, bytes, bytesReceived: first.bytesReceived + figures.bytesReceived };
  }
  const latest = parts.reduce((a, b) => (b.updatedAt > a.updatedAt ? b : a));
  const sum = (field: 'bytes' | 'bytesReceived' | 'connections'): number =>
    parts.reduce((total, part) => total + part[field], 0);
  const rates = parts.flatMap(({ rateMbits }) => (rateMbits === undefined ? [] : [rateMbits]));
  return {
    ...latest,
    streams: [...new Set(parts.flatMap(({ streams }) => streams))],
    durationMs: Math.max(...parts.map(({ durationMs }) => durationMs)),
    bytes: sum('bytes') + figures.bytes,
    bytesReceived: sum('bytesReceived') + figures.bytesReceived,
    connections: sum('connections'),
    rateMbits: rates.length === 0 ? undefined : rates.reduce((a, b) => a + b),
  };
}
