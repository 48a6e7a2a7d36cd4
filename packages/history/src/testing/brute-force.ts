/** What counts of a visit. Epoch milliseconds, bytes. */
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

/** Figures of some time. */
export interface Counted {
  views: number;
  peak: number;
  peakAt: number | null;
  watchMs: number;
  bytes: number;
}

interface Group {
  readonly by: string;
  /** Undefined: it is not in this group. */
  readonly keyOf: (visit: Present) => string | undefined;
  readonly hasPeak: boolean;
}

/** What there is of each minute. */
const PLAIN: readonly Group[] = [
  { by: '', keyOf: () => '', hasPeak: true },
  { by: 'dvr', keyOf: ({ dvr }) => (dvr ? 'dvr' : undefined), hasPeak: true },
];
/** And of each hour and day. */
const ALL: readonly Group[] = [
  ...PLAIN,
  { by: 'protocol', keyOf: ({ protocol }) => protocol, hasPeak: true },
  { by: 'country', keyOf: ({ country }) => country, hasPeak: true },
  { by: 'player', keyOf: ({ player }) => player, hasPeak: false },
  { by: 'reason', keyOf: ({ reason }) => reason, hasPeak: false },
];
const MINUTE = 60_000;

/** Figures of each group in each span of so many milliseconds, counted the slow way: `at|stream|by|key`. */
export function countByHand(visits: readonly Present[], spanMs: number): Map<string, Counted> {
  const groups = spanMs === MINUTE ? PLAIN : ALL;
  const members = new Map<string, Present[]>();
  for (const visit of visits) {
    for (let at = visit.openedAt - (visit.openedAt % spanMs); at < visit.endedAt; at += spanMs) {
      for (const stream of [visit.stream, '']) {
        for (const { by, keyOf } of groups) {
          const key = keyOf(visit);
          if (key === undefined) continue;
          const name = [at, stream, by, key].join('|');
          const group = members.get(name);
          if (group === undefined) members.set(name, [visit]);
          else group.push(visit);
        }
      }
    }
  }
  const hasPeak = new Map(groups.map((group) => [group.by, group.hasPeak]));
  return new Map(
    [...members].map(([name, group]) => {
      const [at = '', , by = ''] = name.split('|');
      return [name, countGroup(group, Number(at), spanMs, hasPeak.get(by) === true)];
    }),
  );
}

function countGroup(group: readonly Present[], at: number, spanMs: number, hasPeak: boolean): Counted {
  const counted: Counted = { views: 0, peak: 0, peakAt: null, watchMs: 0, bytes: 0 };
  const edges: (readonly [number, number])[] = [];
  for (const { openedAt, endedAt, bytes } of group) {
    const from = Math.max(openedAt, at);
    const till = Math.min(endedAt, at + spanMs);
    if (openedAt >= at) counted.views++;
    counted.watchMs += till - from;
    counted.bytes += (bytes * (till - from)) / (endedAt - openedAt);
    edges.push([from, 1], [till, -1]);
  }
  if (!hasPeak) return counted;
  // who leaves at a moment is gone when somebody comes at that moment
  edges.sort(([a, x], [b, y]) => a - b || x - y);
  let now = 0;
  for (const [moment, change] of edges) {
    now += change;
    if (now > counted.peak) [counted.peak, counted.peakAt] = [now, moment];
  }
  return counted;
}

/** How many different people each day of UTC had, of each stream and of all: `at|stream`. */
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
