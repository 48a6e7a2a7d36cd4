import type { Denial } from '@stream-sessions/core';

/** Nodes apply the same kick within this time, by clocks that may differ by a second. Milliseconds. */
const AT_ONCE_MS = 3_000;

/** One denial from the operator's point of view. */
export interface ListedDenial {
  readonly denial: Denial;
  /** The ids of all denials that have to be lifted with it. */
  readonly ids: readonly string[];
}

/**
 * The denials of all nodes. The operator's are the same everywhere; refusals by policies belong to each node. For a visit that is
 * kicked or replaced, each node with a part makes a denial, because each knows the viewer by other names: they are listed as one.
 */
export function mergedDenials(nodes: readonly (readonly Denial[])[]): ListedDenial[] {
  const byId = new Map<string, Denial>();
  for (const denial of nodes.flat()) {
    const known = byId.get(denial.id);
    byId.set(denial.id, { ...denial, hits: denial.hits + (known?.hits ?? 0) });
  }
  const listed: ListedDenial[] = [];
  /** The latest denial of each kick. */
  const latest = new Map<string, number>();
  for (const denial of [...byId.values()].sort((a, b) => a.since - b.since || (a.id < b.id ? -1 : 1))) {
    const kick = kickOf(denial);
    const at = kick === undefined ? undefined : latest.get(kick);
    const known = at === undefined ? undefined : listed[at];
    if (at !== undefined && known !== undefined && denial.since - known.denial.since <= AT_ONCE_MS) {
      listed[at] = { denial: asOne(known.denial, denial), ids: [...known.ids, denial.id] };
    } else {
      if (kick !== undefined) latest.set(kick, listed.length);
      listed.push({ denial, ids: [denial.id] });
    }
  }
  return listed;
}

type KickFacts = Pick<Denial, 'by' | 'reason' | 'target' | 'detail'>;

/** A denial, and the kick that it belongs to, if that is known. */
export interface OfKick {
  readonly id: string;
  readonly kick?: string | undefined;
}

/** Of a node's denials this one, and those of the same kick. */
export function ofOneKick(denials: readonly Denial[], { id, kick }: OfKick): readonly Denial[] {
  const named = denials.find((denial) => denial.id === id);
  const meant = kick ?? (named && kickOf(named));
  return denials.filter((denial) => denial === named || (meant !== undefined && kickOf(denial) === meant));
}

/** Denials that have this in common were made by one kick, if at the same time; undefined: it is one on its own. */
export function kickOf({
  by,
  reason,
  target: { session, user, issuedBefore },
  detail = '',
}: KickFacts): string | undefined {
  const isReplaced = by === 'policy' && reason === 'replaced';
  if ((by === 'kick' || isReplaced) && session !== undefined) return `${by} ${session} ${detail}`;
  // credentials issued to the user of a kicked visit
  return issuedBefore === undefined ? undefined : `revoke ${String(user)} ${detail}`;
}

const asOne = (first: Denial, other: Denial): Denial => ({
  ...first,
  hits: first.hits + other.hits,
  until: Math.max(first.until, other.until),
});
