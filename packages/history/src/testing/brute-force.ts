/** The fields of a visit that are counted. Epoch milliseconds, bytes. */
export interface Present {
  readonly stream: string;
  readonly dvr: boolean;
  readonly protocol: string;
  readonly country: string;
  readonly player: string;
  readonly reason: string;
  readonly viewer: string;
  readonly openedAt: number;
  readonly endedAt: number;
  readonly bytes: number;
}

/** The figures of a period. */
export interface Counted {
  views: number;
  peak: number;
  peakAt: number | null;
  watchMs: number;
  bytes: number;
}

interface Group {
  readonly by: string;
  /** Undefined: the visit is not in this group. */
  readonly keyOf: (visit: Present) => string | undefined;
  readonly hasPeak: boolean;
}

/** The figures kept for each minute. */
const PLAIN: readonly Group[] = [
  { by: '', keyOf: () => '', hasPeak: true },
  { by: 'dvr', keyOf: ({ dvr }) => (dvr ? 'dvr' : undefined), hasPeak: true },
];
/** Those kept for each hour and day. */
const ALL: readonly Group[] = [
  ...PLAIN,
  { by: 'protocol', keyOf: ({ protocol }) => protocol, hasPeak: true },
  { by: 'country', keyOf: ({ country }) => country, hasPeak: true },
  { by: 'player', keyOf: ({ player }) => player, hasPeak: false },
  { by: 'reason', keyOf: ({ reason }) => reason, hasPeak: false },
];
const MINUTE = 60_000;

/** The figures of each group in each span of `spanMs`, computed from the list of all visits present: `at|stream|by|key`. */
export function countByHand(visits: readonly Present[], spanMs: number): Map<string, Counted> {
  const counted = new Map<string, Counted>();
  for (const { by, keyOf, hasPeak } of spanMs === MINUTE ? PLAIN : ALL) {
    for (const [name, members] of membersOf(visits, keyOf)) {
      const [stream, key] = name.split('|');
      for (const [at, present] of spansOf(members, spanMs)) {
        counted.set([at, stream, by, key].join('|'), countSpan(present, at, spanMs, hasPeak));
      }
    }
  }
  return counted;
}

/** Per stream, and for all streams under the name '': `stream|key`. */
function membersOf(visits: readonly Present[], keyOf: Group['keyOf']): Map<string, Present[]> {
  const members = new Map<string, Present[]>();
  for (const visit of visits) {
    const key = keyOf(visit);
    if (key === undefined) continue;
    for (const stream of [visit.stream, '']) put(members, `${stream}|${key}`, visit);
  }
  return members;
}

function spansOf(visits: readonly Present[], spanMs: number): Map<number, Present[]> {
  const spans = new Map<number, Present[]>();
  for (const visit of visits) {
    for (let at = visit.openedAt - (visit.openedAt % spanMs); at < visit.endedAt; at += spanMs) put(spans, at, visit);
  }
  return spans;
}

function put<Key>(lists: Map<Key, Present[]>, key: Key, visit: Present): void {
  const list = lists.get(key);
  if (list === undefined) lists.set(key, [visit]);
  else list.push(visit);
}

function countSpan(visits: readonly Present[], at: number, spanMs: number, hasPeak: boolean): Counted {
  const counted: Counted = { views: 0, peak: 0, peakAt: null, watchMs: 0, bytes: 0 };
  // a viewer who leaves at a moment is gone before another comes at that moment, so even numbers sort before odd ones
  const edges = new Float64Array(2 * visits.length);
  visits.forEach(({ openedAt, endedAt, bytes }, n) => {
    const from = Math.max(openedAt, at);
    const till = Math.min(endedAt, at + spanMs);
    if (openedAt >= at) counted.views++;
    counted.watchMs += till - from;
    counted.bytes += (bytes * (till - from)) / (endedAt - openedAt);
    edges[2 * n] = 2 * from + 1;
    edges[2 * n + 1] = 2 * till;
  });
  if (!hasPeak) return counted;
  let now = 0;
  for (const edge of edges.sort()) {
    now += edge % 2 === 0 ? -1 : 1;
    if (now > counted.peak) [counted.peak, counted.peakAt] = [now, Math.floor(edge / 2)];
  }
  return counted;
}

/** The number of different viewers on each UTC day, per stream and in total: `at|stream`. */
export function viewersByHand(visits: readonly Present[]): Map<string, number> {
  const DAY = 86_400_000;
  const sets = new Map<string, Set<string>>();
  for (const { openedAt, endedAt, stream, viewer } of visits) {
    for (let at = openedAt - (openedAt % DAY); at < endedAt; at += DAY) {
      for (const whose of [stream, '']) {
        const name = `${at}|${whose}`;
        sets.set(name, (sets.get(name) ?? new Set()).add(viewer));
      }
    }
  }
  return new Map([...sets].map(([name, { size }]) => [name, size]));
}
