import type { PlaySession } from '@stream-sessions/core';
import type { Figures } from '../visits/visit-figures.js';

/** A row of the list of a cluster. */
export interface ClusterSession extends PlaySession {
  /** The names of the nodes where it was seen lately. */
  readonly nodes: readonly string[];
}

/** A part of a visit, as shown by the tracker of a node. */
export interface PartRow {
  readonly row: PlaySession;
  readonly place: string | undefined;
  readonly node: string;
}

export const keyOf = ({ id, openedAt }: Pick<PlaySession, 'id' | 'openedAt'>): string => `${openedAt} ${id}`;

/** One row for all the parts of a visit: the most recently active part is shown, bytes and connections add up. */
export function mergedRow(parts: readonly PartRow[], figures?: Figures): ClusterSession {
  const [only] = parts as [PartRow];
  if (parts.length === 1) return { ...only.row, ...sumOf([only.row], figures), nodes: [only.node] };
  const rows = parts.map(({ row }) => row).sort((a, b) => b.updatedAt - a.updatedAt);
  const [latest] = rows as [PlaySession];
  const named = rows.find(({ userId }) => userId !== undefined) ?? latest;
  const all = (field: 'streams' | 'protocols' | 'ips'): string[] => [...new Set(rows.flatMap((row) => row[field]))];
  const started = rows.flatMap(({ startedAt }) => (startedAt === undefined ? [] : [startedAt]));
  return {
    ...latest,
    userId: named.userId,
    userName: named.userName,
    ...{ streams: all('streams'), protocols: all('protocols'), ips: all('ips') },
    tags: Object.assign({}, ...rows.map(({ tags }) => tags).reverse()) as PlaySession['tags'],
    ...sumOf(rows, figures),
    startedAt: started.length === 0 ? undefined : Math.min(...started),
    durationMs: Math.max(...rows.map(({ durationMs }) => durationMs)),
    nodes: [...new Set(parts.map(({ node }) => node))].sort(),
  };
}

function sumOf(
  rows: readonly PlaySession[],
  figures: Figures | undefined,
): Pick<PlaySession, 'bytes' | 'bytesReceived' | 'connections'> {
  const sum = { bytes: figures?.bytes ?? 0, bytesReceived: figures?.bytesReceived ?? 0, connections: 0 };
  for (const row of rows) {
    sum.bytes += row.bytes;
    sum.bytesReceived += row.bytesReceived;
    sum.connections += row.connections;
  }
  return sum;
}

/** Groups the parts by visit, in order of appearance. */
export function byVisit(parts: readonly PartRow[]): PartRow[][] {
  const visits = new Map<string, PartRow[]>();
  for (const part of parts) {
    const key = keyOf(part.row);
    const known = visits.get(key);
    if (known === undefined) visits.set(key, [part]);
    else known.push(part);
  }
  return [...visits.values()];
}
