import type { SessionFilter } from '@stream-sessions/core';
import type { Answers } from '../mailbox/mailbox.js';
import type { ClusterNode } from '../membership/node-list.js';
import { byVisit, type PartRow } from './merge-rows.js';
import { inOrder } from './row-order.js';

/** How much more than its expected share of a page a node is asked for. */
const MORE = 1.25;
const MORE_ROWS = 10;
/** How slowly a share that was larger once is forgotten: what is left of it with each page. */
const KEPT = 0.8;

/** A filter that says how many rows a page has. */
export type PageFilter = SessionFilter & { readonly limit: number };

export type AskNodes = (nodes: readonly ClusterNode[], filter: SessionFilter) => Promise<Answers<readonly PartRow[]>>;

export interface Page {
  readonly visits: readonly (readonly PartRow[])[];
  readonly missing: readonly ClusterNode[];
}

/**
 * Reads pages of the list of all nodes. Viewers are usually spread over them, so each node is asked for as much of a page as any of
 * them had lately; those that had more are asked again for all of it.
 */
export class Pages {
  /** The largest share of a page that one node had lately. */
  private share = 1;

  constructor(private readonly ask: AskNodes) {}

  async read(nodes: readonly ClusterNode[], filter: PageFilter): Promise<Page> {
    const some = this.sizeOfShare(filter);
    const { answers, missing } = await this.ask(nodes, { ...filter, limit: some });
    const rows = new Map(answers.map(({ node, answer }) => [node, answer]));
    const visits = pageOf(rows, filter);
    const isShort = (answer: readonly PartRow[]): boolean => answer.length >= some && hasMore(answer, visits, filter);
    const short = some === filter.limit ? [] : [...rows].flatMap(([node, answer]) => (isShort(answer) ? [node] : []));
    if (short.length === 0) return this.learned({ visits, missing }, filter);
    const again = await this.ask(short, filter);
    for (const { node, answer } of again.answers) rows.set(node, answer);
    return this.learned({ visits: pageOf(rows, filter), missing: [...missing, ...again.missing] }, filter);
  }

  private sizeOfShare({ limit, order = 'openedAt' }: PageFilter): number {
    // sorted by a value of the whole visit, a part says too little
    if (order !== 'openedAt' && order !== '-openedAt') return limit;
    return Math.min(limit, Math.ceil(limit * this.share * MORE) + MORE_ROWS);
  }

  private learned(page: Page, { limit }: PageFilter): Page {
    const counts = new Map<string, number>();
    for (const { node } of page.visits.flat()) counts.set(node, (counts.get(node) ?? 0) + 1);
    this.share = Math.max(this.share * KEPT, Math.max(0, ...counts.values()) / limit);
    return page;
  }
}

const pageOf = (rows: ReadonlyMap<ClusterNode, readonly PartRow[]>, { order, limit }: PageFilter): Page['visits'] =>
  inOrder(byVisit([...rows.values()].flat()), order).slice(0, limit);

/** Whether rows behind these may belong to the page. */
function hasMore(
  rows: readonly PartRow[],
  page: readonly (readonly PartRow[])[],
  { order, limit }: PageFilter,
): boolean {
  const [lastRow, lastVisit] = [rows.at(-1), page.at(-1)];
  if (page.length < limit || lastRow === undefined || lastVisit === undefined) return true;
  return inOrder([[lastRow], lastVisit], order)[0] !== lastVisit;
}
