import type { Candidate, PlaySession, Policy, TrackerView, Verdict } from '@stream-sessions/core';
import { badOption, checkOptions } from '@stream-sessions/core/spi';
import { YES } from '../support/kinds.js';
import { checkNumber } from '../support/numbers.js';
import { Holders } from './holders.js';
import { keysOf, PER, type Per } from './keys.js';
import { SharedConcurrency, type SlotsOfCluster } from './shared-concurrency.js';

/** Options of `concurrencyPolicy`. */
export interface ConcurrencyOptions {
  /**
   * What the limit applies to. A viewer without one (no user, no token) is not limited. A `token` is one in the URL, a cookie or
   * a stream id, or a bearer token; a viewer with both needs a slot for each. Default `user`.
   */
  per?: Per | undefined;
  /** The maximum number of concurrent sessions. Per user, the `maxSessions` of an authoriser takes precedence if given. */
  max: number;
  /** Which session gives way beyond that: the new one, or the oldest or newest current one. Default `reject`. */
  onExceed?: 'reject' | 'replace-oldest' | 'replace-newest' | undefined;
  /** A session with nothing in flight and no hit for longer than this holds no slot. Milliseconds; default 10_000. */
  graceMs?: number | undefined;
  /**
   * Counts over all nodes of a cluster: the result of `joinCluster()`, or a function that returns it, because it is available
   * only after the tracker. Undefined until it has joined: until then, each node counts on its own. Default: none.
   */
  shared?: SlotsOfCluster | (() => SlotsOfCluster | undefined) | undefined;
  /** Default `concurrency`. */
  name?: string | undefined;
}

/** The most that core passes on. */
const MAX_CONFLICTS = 32;
const ON_EXCEED = ['reject', 'replace-oldest', 'replace-newest'];

/**
 * Limits how many viewers there are at a time. The limit is exact, however many open concurrently: a slot is reserved while other
 * policies are still deciding, and whom to replace is decided at the moment of opening. Publishers take no slot.
 *
 * @throws StreamSessionsError ERR_BAD_OPTION
 */
export function concurrencyPolicy(options: ConcurrencyOptions): Policy {
  checkOptions('concurrencyPolicy()', options, ['per', 'max', 'onExceed', 'graceMs', 'shared', 'name']);
  const { per = 'user', max, onExceed = 'reject', graceMs = 10_000, shared, name = 'concurrency' } = options;
  if (!PER.includes(per)) throw badOption('per', `one of ${PER.join(', ')}`, per);
  if (!ON_EXCEED.includes(onExceed)) throw badOption('onExceed', `one of ${ON_EXCEED.join(', ')}`, onExceed);
  checkNumber('max', max, 0);
  checkNumber('graceMs', graceMs, 0);
  const local = new Concurrency(name, per, max, onExceed, graceMs);
  if (shared === undefined) return local;
  if (typeof shared !== 'function' && typeof (shared as SlotsOfCluster | null)?.slots?.take !== 'function') {
    throw badOption('shared', 'what joinCluster() returns, or a function that returns it', shared);
  }
  const cluster = typeof shared === 'function' ? shared : () => shared;
  return new SharedConcurrency(name, local, { per, max, onExceed, graceMs, cluster });
}

/** A slot for a viewer who has not been admitted yet, and the sessions whose slots it takes. */
interface Reservation {
  readonly holders: Holders;
  readonly takes: readonly string[];
}

/** The sessions that must end for it, determined at the moment of opening. */
type Going = () => { readonly release: readonly string[]; readonly replace: readonly string[] };

class Concurrency implements Policy {
  readonly stage = 'concurrency';
  private readonly byKey = new Map<string, Holders>();
  private readonly keysOfSession = new Map<string, readonly string[]>();
  private readonly reservations = new Map<Candidate, Reservation[]>();

  constructor(
    readonly name: string,
    private readonly per: Per,
    private readonly max: number,
    private readonly onExceed: string,
    private readonly graceMs: number,
  ) {}

  admit(candidate: Candidate, view: TrackerView): Verdict {
    const keys = keysOf(this.per, candidate);
    const max = (this.per === 'user' ? candidate.maxSessions : undefined) ?? this.max;
    const going: Going[] = [];
    for (const key of keys) {
      const room = this.roomFor(candidate, view, key, max);
      if (room === undefined) {
        this.takeBack(candidate);
        this.tidy(keys);
        return {
          allow: false,
          reason: 'limit',
          kind: 'limit',
          detail: `${max} at a time per ${this.per}`,
          denyForMs: 0,
          ...(this.per === 'user' && { conflicts: this.inTheWay(candidate, key) }),
        };
      }
      if (room !== NOBODY) going.push(room);
    }
    if (going.length === 0) return YES;
    return {
      allow: true,
      release: () => going.flatMap((who) => who().release),
      replace: () => going.flatMap((who) => who().replace),
    };
  }

  settled(candidate: Candidate, session: PlaySession | undefined): void {
    this.takeBack(candidate);
    const keys = keysOf(this.per, candidate);
    if (keys.length > 0 && session !== undefined) this.give(keys, session.id);
    else this.tidy(keys);
  }

  closed({ id }: PlaySession): void {
    this.give([], id);
  }

  /**
   * The sessions that occupy the place: those of the same user, who may know about them. Addresses, tokens and streams may be
   * shared with anyone.
   */
  private inTheWay({ session }: Candidate, key: string): readonly string[] {
    const ids = this.byKey.get(key)?.first(MAX_CONFLICTS) ?? [];
    return ids.filter((id) => id !== session?.id);
  }

  /** Whether there is a slot, and which sessions must end for it; undefined: there is none. */
  private roomFor(candidate: Candidate, view: TrackerView, key: string, max: number): Going | undefined {
    const holders = this.holdersOf(key);
    const own = candidate.session?.id ?? candidate.continues;
    if (own !== undefined && holders.holds(own)) {
      return holders.isAmong(own, max, this.onExceed === 'replace-oldest') ? NOBODY : undefined;
    }
    if (max < 1) return undefined;
    if (this.onExceed === 'reject') return this.reserve(candidate, view, holders, max);
    // By then it may hold a slot already: who has to go for it goes when something is served to it.
    return () => this.others(own ?? candidate.id, view, key, max);
  }

  /** A slot, or one that nobody uses. */
  private reserve(candidate: Candidate, view: TrackerView, holders: Holders, max: number): Going | undefined {
    let takes: string[] = [];
    if (holders.size >= max) {
      if (holders.nobodyIsQuiet(view.now)) return undefined;
      const { playing, quiet } = holders.look(view, this.graceMs);
      if (playing.length + holders.reserved >= max) return undefined;
      takes = quiet.slice(0, Math.max(0, holders.size + 1 - max));
    }
    holders.promise(takes);
    holders.reserved++;
    const reserved = this.reservations.get(candidate) ?? [];
    this.reservations.set(candidate, [...reserved, { holders, takes }]);
    return takes.length === 0 ? NOBODY : () => ({ release: takes, replace: [] });
  }

  /** Called in the moment of opening: those beyond the limit, the quiet ones first. */
  private others(own: string | undefined, view: TrackerView, key: string, max: number): ReturnType<Going> {
    const looked = this.holdersOf(key).look(view, this.graceMs);
    const isOther = (id: string): boolean => id !== own;
    const [playing, quiet] = [looked.playing.filter(isOther), looked.quiet.filter(isOther)];
    const excess = Math.max(0, playing.length + quiet.length + 1 - max);
    const release = quiet.slice(0, excess);
    const goes = Math.max(0, excess - release.length);
    const replace = this.onExceed === 'replace-oldest' ? playing.slice(0, goes) : playing.slice(playing.length - goes);
    return { release, replace };
  }

  /** Releases what was reserved. */
  private takeBack(candidate: Candidate): void {
    for (const { holders, takes } of this.reservations.get(candidate) ?? []) {
      holders.reserved--;
      holders.takeBack(takes);
    }
    this.reservations.delete(candidate);
  }

  /** The session holds slots for these keys, and for no others. */
  private give(keys: readonly string[], id: string): void {
    const before = this.keysOfSession.get(id) ?? [];
    for (const key of before) if (!keys.includes(key)) this.byKey.get(key)?.delete(id);
    if (keys.length === 0) this.keysOfSession.delete(id);
    else this.keysOfSession.set(id, keys);
    for (const key of keys) this.holdersOf(key).add(id);
    this.tidy(before);
  }

  private holdersOf(key: string): Holders {
    let holders = this.byKey.get(key);
    if (holders === undefined) this.byKey.set(key, (holders = new Holders()));
    return holders;
  }

  /** Keeps nothing about sessions that are gone. */
  private tidy(keys: readonly string[]): void {
    for (const key of keys) if (this.byKey.get(key)?.isEmpty) this.byKey.delete(key);
  }
}

/** No session has to end. */
const NOBODY: Going = () => ({ release: [], replace: [] });
