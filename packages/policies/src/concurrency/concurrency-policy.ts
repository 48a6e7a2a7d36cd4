import type { Candidate, PlaySession, Policy, TrackerView, Verdict } from '@stream-sessions/core';
import { AddressReader, badOption, checkOptions } from '@stream-sessions/core/spi';
import { kindOf, YES } from '../support/kinds.js';
import { checkNumber } from '../support/numbers.js';
import { Holders } from './holders.js';

/** Options of `concurrencyPolicy`. */
export interface ConcurrencyOptions {
  /** What the limit is per. Who has no such thing (no user, no token) is not limited. Default `user`. */
  per?: 'user' | 'token' | 'ip' | 'stream';
  /** How many sessions at a time. Per user, `maxSessions` of an authoriser counts instead where it gives one. */
  max: number;
  /**
   * Who goes when there are more: the one who asks, or of those who play the oldest or the newest. Default `reject`.
   */
  onExceed?: 'reject' | 'replace-oldest' | 'replace-newest';
  /** A session with nothing in flight and no hit for longer than this, milliseconds, holds no slot. Default 10_000. */
  graceMs?: number;
  /** Default `concurrency`. */
  name?: string;
}

const addresses = new AddressReader(64);
const KEYS: Readonly<Record<string, (candidate: Candidate) => string | undefined>> = {
  user: ({ userId }) => userId,
  token: ({ token }) => token || undefined,
  ip: ({ ip }) => addresses.network(ip) || undefined,
  stream: ({ stream }) => stream,
};
const ON_EXCEED = ['reject', 'replace-oldest', 'replace-newest'];

/**
 * How many viewers at a time. Exact, however many open at once: a slot is reserved while other policies are still
 * deciding, and who is replaced is chosen in the moment of opening. Publishers take no slot.
 *
 * @throws StreamSessionsError ERR_BAD_OPTION
 */
export function concurrencyPolicy(options: ConcurrencyOptions): Policy {
  checkOptions('concurrencyPolicy()', options, ['per', 'max', 'onExceed', 'graceMs', 'name']);
  const { per = 'user', max, onExceed = 'reject', graceMs = 10_000, name = 'concurrency' } = options;
  if (!Object.hasOwn(KEYS, per)) throw badOption('per', `one of ${Object.keys(KEYS).join(', ')}`, per);
  if (!ON_EXCEED.includes(onExceed)) throw badOption('onExceed', `one of ${ON_EXCEED.join(', ')}`, onExceed);
  checkNumber('max', max, 0);
  checkNumber('graceMs', graceMs, 0);
  return new Concurrency(name, per, max, onExceed, graceMs);
}

/** A slot for who is not there yet, and whose slots it takes. */
interface Reservation {
  readonly holders: Holders;
  readonly takes: readonly string[];
}

class Concurrency implements Policy {
  readonly stage = 'concurrency';
  private readonly byKey = new Map<string, Holders>();
  private readonly keyOfSession = new Map<string, string>();
  private readonly reservations = new Map<Candidate, Reservation>();
  private readonly keyOf: (candidate: Candidate) => string | undefined;

  constructor(
    readonly name: string,
    private readonly per: string,
    private readonly max: number,
    private readonly onExceed: string,
    private readonly graceMs: number,
  ) {
    this.keyOf = KEYS[per] as (candidate: Candidate) => string | undefined;
  }

  admit(candidate: Candidate, view: TrackerView): Verdict {
    const key = kindOf(candidate) === 'viewer' ? this.keyOf(candidate) : undefined;
    if (key === undefined) return YES;
    const max = (this.per === 'user' ? candidate.maxSessions : undefined) ?? this.max;
    const holders = this.holdersOf(key);
    const own = candidate.session?.id ?? candidate.continues;
    if (own !== undefined && holders.holds(own)) {
      return holders.isAmong(own, max, this.onExceed === 'replace-oldest') ? YES : this.no(key, max);
    }
    if (max < 1) return this.no(key, max);
    if (this.onExceed === 'reject') return this.reserve(candidate, view, holders, max) ?? this.no(key, max);
    const room = () => this.roomFor(own, view, key, max);
    return { allow: true, release: () => room().release, replace: () => room().replace };
  }

  settled(candidate: Candidate, session: PlaySession | undefined): void {
    const reservation = this.reservations.get(candidate);
    if (reservation !== undefined) {
      this.reservations.delete(candidate);
      reservation.holders.reserved--;
      reservation.holders.takeBack(reservation.takes);
    }
    const key = kindOf(candidate) === 'viewer' ? this.keyOf(candidate) : undefined;
    if (key === undefined) return;
    if (session !== undefined) this.give(key, session);
    else this.tidy(key);
  }

  closed({ id }: PlaySession): void {
    const key = this.keyOfSession.get(id);
    if (key === undefined) return;
    this.keyOfSession.delete(id);
    this.byKey.get(key)?.delete(id);
    this.tidy(key);
  }

  /** A yes when there is a slot, or one that nobody uses. */
  private reserve(candidate: Candidate, view: TrackerView, holders: Holders, max: number): Verdict | undefined {
    let takes: string[] = [];
    if (holders.size >= max) {
      if (holders.nobodyIsQuiet(view.now)) return undefined;
      const { playing, quiet } = holders.look(view, this.graceMs);
      if (playing.length + holders.reserved >= max) return undefined;
      takes = quiet.slice(0, Math.max(0, holders.size + 1 - max));
    }
    holders.promise(takes);
    holders.reserved++;
    this.reservations.set(candidate, { holders, takes });
    return takes.length === 0 ? YES : { allow: true, release: takes };
  }

  /** Called in the moment of opening: who has to go for it, the quiet ones first. */
  private roomFor(own: string | undefined, view: TrackerView, key: string, max: number) {
    const looked = this.holdersOf(key).look(view, this.graceMs);
    const isOther = (id: string): boolean => id !== own;
    const [playing, quiet] = [looked.playing.filter(isOther), looked.quiet.filter(isOther)];
    const excess = Math.max(0, playing.length + quiet.length + 1 - max);
    const release = quiet.slice(0, excess);
    const goes = Math.max(0, excess - release.length);
    const replace = this.onExceed === 'replace-oldest' ? playing.slice(0, goes) : playing.slice(playing.length - goes);
    return { release, replace };
  }

  private give(key: string, session: PlaySession): void {
    const before = this.keyOfSession.get(session.id);
    if (before !== undefined && before !== key) {
      this.byKey.get(before)?.delete(session.id);
      this.tidy(before);
    }
    this.keyOfSession.set(session.id, key);
    this.holdersOf(key).add(session);
  }

  private holdersOf(key: string): Holders {
    let holders = this.byKey.get(key);
    if (holders === undefined) this.byKey.set(key, (holders = new Holders()));
    return holders;
  }

  /** Nothing is kept of who has gone. */
  private tidy(key: string): void {
    if (this.byKey.get(key)?.isEmpty) this.byKey.delete(key);
  }

  private no(key: string, max: number): Verdict {
    this.tidy(key);
    return { allow: false, reason: 'limit', kind: 'limit', detail: `${max} at a time per ${this.per}`, denyForMs: 0 };
  }
}
