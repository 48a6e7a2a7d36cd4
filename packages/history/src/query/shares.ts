import { countShares, selectShares } from '../sql/figures.sql.js';
import type { SqlEngine } from '../types/engine.js';
import type { Share } from '../types/query.js';
import type { Pieces } from './pieces.js';

/** The number of countries, protocols, players and reasons shown. */
const TOP = 10;

/** Figures of one protocol, country, player or reason. */
export interface Split extends Share {
  readonly by: string;
}

/**
 * What was watched longest in a period, split by each dimension: from hours and days, and for parts of an hour from the visits
 * themselves.
 */
export async function sharesOf(engine: SqlEngine, stream: string, pieces: Pieces): Promise<(by: string) => Share[]> {
  const [start, firstHour, firstDay, lastDay, lastHour, end] = pieces;
  const parts = [
    [start, firstHour],
    [lastHour, end],
  ].filter(([from = 0, to = 0]) => from < to);
  const found = await Promise.all([
    ...(firstHour < lastHour
      ? [engine.query<Split>(selectShares, [stream, firstHour, firstDay, lastDay, lastHour])]
      : []),
    ...parts.map((part) => engine.query<Split>(countShares, [...part, stream])),
  ]);
  const sums = new Map<string, Split>();
  for (const { by, key, ...more } of found.flat()) {
    const name = `${by} ${key}`;
    const { views, watchMs, bytes } = sums.get(name) ?? { views: 0, watchMs: 0, bytes: 0 };
    sums.set(name, { by, key, views: views + more.views, watchMs: watchMs + more.watchMs, bytes: bytes + more.bytes });
  }
  return (wanted) =>
    [...sums.values()]
      .filter(({ by }) => by === wanted)
      .sort((a, b) => b.watchMs - a.watchMs || (a.key < b.key ? -1 : 1))
      .slice(0, TOP)
      .map(({ key, views, watchMs, bytes }) => ({ key, views, watchMs, bytes: Math.round(bytes) }));
}
