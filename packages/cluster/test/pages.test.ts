import type { PlaySession, SessionOrder } from '@stream-sessions/core';
import fc from 'fast-check';
import { keyOf, type PartRow } from '../src/directory/merge-rows.js';
import { Pages } from '../src/directory/pages.js';
import type { ClusterNode } from '../src/membership/node-list.js';

const NODES = ['a', 'b', 'c', 'd'].map((name) => ({ name, incarnation: name, clockOffsetMs: 0 }) as ClusterNode);

interface Visit {
  readonly openedAt: number;
  readonly bytes: number;
  /** Which nodes have a part. */
  readonly on: readonly number[];
}

/** Four nodes with parts of these visits, and how many rows they have sent. */
function nodesWith(visits: readonly Visit[]) {
  const rowsOf = new Map(NODES.map(({ name }) => [name, [] as PartRow[]]));
  for (const [n, { openedAt, bytes, on }] of visits.entries()) {
    for (const i of on) {
      const { name = '' } = NODES[i] ?? {};
      const row = { id: `visit-${n}`, openedAt, bytes } as PlaySession;
      rowsOf.get(name)?.push({ row, node: name, place: undefined });
    }
  }
  let sent = 0;
  const pages = new Pages(async (asked, { limit = 0, order = 'openedAt' }) => ({
    missing: [],
    answers: asked.map((node) => {
      const sorted = [...(rowsOf.get(node.name) ?? [])].sort((a, b) => compare(a.row, b.row, order));
      const answer = sorted.slice(0, limit);
      sent += answer.length;
      return { node, answer };
    }),
  }));
  return { pages, sent: () => sent };
}

type Row = Pick<PlaySession, 'id' | 'openedAt' | 'bytes'>;

function compare(a: Row, b: Row, order: SessionOrder): number {
  const byOpening = a.openedAt - b.openedAt || (a.id < b.id ? -1 : 1);
  return order === 'openedAt' ? byOpening : order === '-openedAt' ? -byOpening : b.bytes - a.bytes || -byOpening;
}

const visit = fc.record({
  openedAt: fc.nat(50),
  bytes: fc.nat(50),
  on: fc.uniqueArray(fc.nat(3), { minLength: 1 }),
});

it('pages are the same however the visits are spread over the nodes, and whatever was asked before', async () => {
  const orders = fc.constantFrom<SessionOrder>('openedAt', '-openedAt');
  const asked = fc.array(fc.tuple(fc.integer({ min: 1, max: 60 }), orders), { minLength: 1, maxLength: 6 });
  await fc.assert(
    fc.asyncProperty(fc.array(visit, { maxLength: 150 }), asked, async (visits, questions) => {
      const { pages } = nodesWith(visits);
      const all = visits.map((each, n) => ({ ...each, id: `visit-${n}` }));
      for (const [limit, order] of questions) {
        const page = await pages.read(NODES, { limit, order });
        const expected = [...all].sort((a, b) => compare(a, b, order)).slice(0, limit);
        expect(page.visits.map(([part]) => part && keyOf(part.row))).toEqual(expected.map(keyOf));
        expect(page.visits.map((parts) => parts.map(({ node }) => node).sort())).toEqual(
          expected.map(({ on }) => on.map((i) => NODES[i]?.name).sort()),
        );
      }
    }),
  );
});

it('pages of viewers who are spread over the nodes are put together from a share of each', async () => {
  const visits = Array.from({ length: 4_000 }, (_, n) => ({ openedAt: n, bytes: 0, on: [(n * 7) % 4] }));
  const { pages, sent } = nodesWith(visits);
  for (let n = 0; n < 8; n++) await pages.read(NODES, { limit: 100 });
  const before = sent();
  for (let n = 0; n < 10; n++) expect((await pages.read(NODES, { limit: 100 })).visits).toHaveLength(100);
  expect((sent() - before) / 10).toBeLessThanOrEqual(200);
});

it('a page of viewers who are all on one node comes from there, after one more question', async () => {
  const spread = Array.from({ length: 400 }, (_, n) => ({ openedAt: 1_000 + n, bytes: 0, on: [n % 4] }));
  const early = Array.from({ length: 100 }, (_, n) => ({ openedAt: n, bytes: 0, on: [2] }));
  const { pages } = nodesWith([...spread, ...early]);
  for (let n = 0; n < 8; n++) await pages.read(NODES, { limit: 100, order: '-openedAt' });
  const { visits } = await pages.read(NODES, { limit: 100 });
  expect(visits.map(([part]) => part?.row.openedAt)).toEqual(early.map(({ openedAt }) => openedAt));
});
