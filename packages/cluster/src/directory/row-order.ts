import type { SessionOrder } from '@stream-sessions/core';
import type { PartRow } from './merge-rows.js';

type Visit = readonly PartRow[];

const openedAt = (visit: Visit): number => visit[0]?.row.openedAt ?? 0;
const idOf = (visit: Visit): string => visit[0]?.row.id ?? '';
const bytes = (visit: Visit): number => visit.reduce((sum, { row }) => sum + row.bytes, 0);
const closedAt = (visit: Visit): number => Math.max(...visit.map(({ row }) => row.closedAt ?? Infinity));

const byOpening = (a: Visit, b: Visit): number => openedAt(a) - openedAt(b) || (idOf(a) < idOf(b) ? -1 : 1);

/** As lists are sorted: see `SessionOrder`. */
export function inOrder(visits: readonly Visit[], order: SessionOrder = 'openedAt'): Visit[] {
  const sorted = [...visits];
  if (order === 'openedAt') return sorted.sort(byOpening);
  if (order === '-openedAt') return sorted.sort((a, b) => byOpening(b, a));
  const value = order === '-bytes' ? bytes : closedAt;
  return sorted.sort((a, b) => {
    const [first, second] = [value(a), value(b)];
    return first === second ? byOpening(b, a) : second > first ? 1 : -1;
  });
}
