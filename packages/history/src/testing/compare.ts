import { deepEqual } from 'node:assert/strict';
import type { SqlEngine } from '../types/engine.js';
import { type Counted, countByHand, type Present, viewersByHand } from './brute-force.js';

const MINUTE = 60_000;
const SPANS = { minutes: MINUTE, hours: 60 * MINUTE, days: 24 * 60 * MINUTE } as const;

const select = (table: string): string => `
SELECT (extract(epoch FROM at) * 1000)::float8 AS at, stream, by, key, views::float8 AS views, peak::float8 AS peak,
  (extract(epoch FROM peak_at) * 1000)::float8 AS "peakAt", watch_ms::float8 AS "watchMs", bytes
FROM stream_sessions.${table}`;

const selectUniques = `
SELECT (extract(epoch FROM at) * 1000)::float8 AS at, stream, viewers::float8 AS viewers FROM stream_sessions.day_uniques`;

/** Checks that the figures match these visits, counted the slow way. */
export async function sameAsByHand(engine: SqlEngine, visits: readonly Present[]): Promise<void> {
  type Row = Counted & { at: number; stream: string; by: string; key: string };
  for (const [table, spanMs] of Object.entries(SPANS)) {
    const rows = await engine.query<Row>(select(table), []);
    const expected = countByHand(visits, spanMs);
    const found = rows.map(({ at, stream, by, key, ...figures }) => {
      const name = [at, stream, by, key].join('|');
      return [name, closeTo(figures, expected.get(name))] as const;
    });
    sameEntries(table, found, expected);
  }
  const uniques = await engine.query<{ at: number; stream: string; viewers: number }>(selectUniques, []);
  sameEntries(
    'uniques',
    uniques.map(({ at, stream, viewers }) => [`${at}|${stream}`, viewers] as const),
    viewersByHand(visits),
  );
}

/** Sums of fractions differ in their last digits, depending on the order of addition. */
function closeTo(figures: Counted, expected: Counted | undefined): Counted {
  const isClose = expected !== undefined && Math.abs(figures.bytes - expected.bytes) < 1;
  return isClose ? { ...figures, bytes: expected.bytes } : figures;
}

/** The first difference is more telling than all of them. */
function sameEntries(
  what: string,
  found: readonly (readonly [string, unknown])[],
  expected: ReadonlyMap<string, unknown>,
): void {
  for (const [name, figures] of found) {
    deepEqual({ what, name, figures }, { what, name, figures: expected.get(name) });
  }
  const names = new Set(found.map(([name]) => name));
  deepEqual([...expected.keys()].filter((name) => !names.has(name)).slice(0, 3), []);
}
