import {
  type Candidate,
  type Limits,
  type PlaySession,
  type Policy,
  type PolicyAttachment,
  type Refusal,
  type SessionKind,
  StreamSessionsError,
  type Verdict,
} from '@stream-sessions/core';
import { badOption, checkOptions, SESSION_KINDS } from '@stream-sessions/core/spi';
import type { Account } from '../book/account.js';
import type { Accounts } from '../book/accounts.js';
import { accountsOf, type PassBook } from '../book/pass-book.js';
import type { Tab } from '../book/tab.js';
import type { Payer } from '../book/till.js';
import type { Visit } from '../book/visit.js';
import { leftBytes, leftMs, type Over } from '../rules/availability.js';
import type { Awaitable, Pass } from '../types/store.js';

/** Options of `passPolicy`. Everything has a default. */
export interface PassPolicyOptions {
  /**
   * Whose passes a viewer uses. Default: the user whom a policy has vouched for or a transport authenticated, otherwise the
   * token. Undefined: nobody's.
   */
  owner?: ((candidate: Candidate) => string | undefined) | undefined;
  /** The kinds that it applies to; all others are admitted. Default `['viewer']`. */
  kinds?: readonly SessionKind[] | undefined;
  /** False: viewers who have never had a pass, or have no name, are admitted unbilled. Default true. */
  required?: boolean | undefined;
  /** When the last pass of a viewer runs out: `close` (the default) cuts, `keep` only refuses new sessions. */
  onExhausted?: 'close' | 'keep' | undefined;
  /** Default `passes`. */
  name?: string | undefined;
}

/** A session younger than this opened with the current request. Milliseconds. */
const JUST_NOW_MS = 1_000;

const YES: Verdict = Object.freeze({ allow: true });
const NOT_LIMITED: Limits = Object.freeze({});

/**
 * Admits viewers who have a pass, bills what they watch, and ends it when their last pass runs out: `quota_time`, `quota_data` or
 * `expired`. A policy belongs to one tracker; several may share a book.
 *
 * @throws StreamSessionsError ERR_BAD_OPTION
 */
export function passPolicy(book: PassBook, options: PassPolicyOptions = {}): Policy {
  checkOptions('passPolicy()', options, ['owner', 'kinds', 'required', 'onExhausted', 'name']);
  const { owner = ownerOf, kinds = ['viewer'], required = true, onExhausted = 'close', name = 'passes' } = options;
  const accounts = accountsOf(book);
  if (accounts === undefined) throw badOption('passPolicy(): the first argument', 'a book of passBook()', book);
  if (typeof owner !== 'function') throw badOption('owner', 'a function', owner);
  const given: unknown = kinds;
  if (
    !Array.isArray(given) ||
    given.length === 0 ||
    given.some((kind) => !SESSION_KINDS.includes(kind as SessionKind))
  ) {
    throw badOption('kinds', `a list of ${SESSION_KINDS.join(', ')}`, given);
  }
  if (typeof required !== 'boolean') throw badOption('required', 'true or false', required);
  if (onExhausted !== 'close' && onExhausted !== 'keep')
    throw badOption('onExhausted', "'close' or 'keep'", onExhausted);
  return new Passes(name, accounts, owner, new Set(kinds), required, onExhausted === 'keep');
}

const ownerOf = ({ userId, token }: Candidate): string | undefined => userId ?? token;

class Passes implements Policy {
  readonly stage = 'pass';
  private readonly visits = new Map<string, { readonly account: Account; readonly visit: Visit }>();
  private readonly asked = new WeakMap<Candidate, Account>();
  private tracker: PolicyAttachment | undefined = undefined;

  constructor(
    readonly name: string,
    private readonly accounts: Accounts,
    private readonly owner: (candidate: Candidate) => string | undefined,
    private readonly kinds: ReadonlySet<SessionKind>,
    private readonly required: boolean,
    private readonly keeps: boolean,
  ) {}

  attach(tracker: PolicyAttachment): void {
    if (this.tracker !== undefined) {
      throw new StreamSessionsError(
        'ERR_BAD_OPTION',
        'A passPolicy() is for one tracker: make one for each, on one book.',
      );
    }
    this.tracker = tracker;
    this.accounts.desk.trackers.add(tracker);
  }

  admit(candidate: Candidate): Awaitable<Verdict> {
    if (!this.kinds.has(candidate.kind ?? 'viewer')) return YES;
    const owner = this.ownerOf(candidate);
    if (owner === undefined) return this.required ? NAMELESS : YES;
    const account = this.accounts.open(owner);
    account.asking++;
    const failed = (error: unknown): never => {
      this.done(account);
      throw error;
    };
    let loaded: Awaitable<void>;
    try {
      loaded = this.isKnown(account, candidate) ? undefined : this.accounts.load(account, candidate);
    } catch (error) {
      return failed(error);
    }
    return loaded instanceof Promise
      ? loaded.then(() => this.judge(account, candidate), failed)
      : this.judge(account, candidate);
  }

  settled(candidate: Candidate, session: PlaySession | undefined): void {
    const account = this.asked.get(candidate);
    if (account === undefined) return;
    this.asked.delete(candidate);
    if (session !== undefined) this.join(account, candidate, session);
    this.done(account);
  }

  deadline({ id }: PlaySession): { at: number; bytes: number } | undefined {
    const known = this.visits.get(id);
    if (known === undefined) return undefined;
    // Nothing counts until something is served to it; then it counts at once.
    if (!known.visit.isServed) return { at: Infinity, bytes: known.visit.bytes + 1 };
    return { at: known.account.lookAt, bytes: known.visit.limit };
  }

  review({ id }: PlaySession): Verdict | 'ask' {
    const known = this.visits.get(id);
    if (known === undefined) return YES;
    const { account, visit } = known;
    const { tab } = account.look(visit);
    // Before another pass begins, the providers that precede it are asked. And if none is left, the store may have one by now.
    const isAsked = tab === undefined ? !this.isFree(account) && !this.keeps : this.mustAskProviders(account, tab);
    if (isAsked) return 'ask';
    return tab === undefined ? YES : this.yes(tab.pass);
  }

  closed(session: PlaySession): void {
    const known = this.visits.get(session.id);
    if (known === undefined) return;
    this.visits.delete(session.id);
    known.account.leave(known.visit, session, session.updatedAt, session.bytes + session.bytesReceived);
    this.accounts.release(known.account);
  }

  private ownerOf(candidate: Candidate): string | undefined {
    const owner: unknown = this.owner(candidate) ?? '';
    if (typeof owner !== 'string') throw badOption('The result of owner', 'a string, or undefined', owner);
    if (owner !== '') return owner;
    // A hit that lacks the name belongs to the owner of its session.
    return candidate.session && this.visits.get(candidate.session.id)?.account.owner;
  }

  /** Once for each succeeding pass. */
  private mustAskProviders(account: Account, { id }: Tab): boolean {
    if (!this.accounts.desk.providers.areThere || account.paidBy === id) return false;
    account.paidBy = id;
    return true;
  }

  /** The owner is already watching on a pass: the providers need not be asked for another one. */
  private isKnown(account: Account, { again }: Candidate): boolean {
    if (!account.isWatching || again === true) return false;
    return account.payer(this.accounts.desk.clock.now()).tab !== undefined;
  }

  private judge(account: Account, candidate: Candidate): Verdict {
    const now = this.accounts.desk.clock.now();
    const payer = account.payer(now);
    const { tab } = payer;
    if (tab !== undefined || this.isFree(account) || (this.keeps && candidate.again === true)) {
      this.asked.set(candidate, account);
      account.paidBy = tab?.id;
      return tab === undefined ? YES : this.yes(tab.pass);
    }
    account.refuse(payer, now);
    const refusal = account.providersFailed ? NOBODY_ANSWERS : refusalOf(payer.before ?? account.till.lastOver(now));
    this.done(account);
    return refusal;
  }

  private join(account: Account, { session: before }: Candidate, session: PlaySession): void {
    const known = this.visits.get(session.id);
    const bytes = session.bytes + session.bytesReceived;
    if (known !== undefined) {
      if (known.account === account) {
        // It was judged again: what was planned for it may no longer apply.
        known.visit.tracker.review(session.id);
        return;
      }
      // It belongs to another owner from now on.
      known.account.leave(known.visit, session, this.accounts.desk.clock.now(), bytes);
      this.accounts.release(known.account);
    }
    const now = this.accounts.desk.clock.now();
    // What came before was not watched on this pass: it was recorded without asking policies, or in the previous process.
    const isNew = before === undefined && now - session.openedAt < JUST_NOW_MS;
    const visit: Visit = {
      session,
      tracker: this.tracker as PolicyAttachment,
      since: isNew ? session.openedAt : now,
      bytes: isNew ? 0 : bytes,
      limit: 0,
      bytesSeen: 0,
      isServed: false,
    };
    this.visits.set(session.id, { account, visit });
    account.join(visit);
  }

  /** A viewer without any passes need not have one. */
  private isFree(account: Account): boolean {
    return !this.required && account.till.tabs.length === 0;
  }

  private yes(pass: Pass): Verdict {
    const { downMbits, upMbits } = this.accounts.desk.speedOf(pass);
    const isLimited = downMbits !== undefined || upMbits !== undefined;
    return { allow: true, pass: pass.id, limits: isLimited ? this.accounts.desk.speedOf(pass) : NOT_LIMITED };
  }

  private done(account: Account): void {
    account.asking--;
    this.accounts.release(account);
  }
}

const NAMELESS: Refusal = Object.freeze({
  allow: false,
  reason: 'unauthorized',
  kind: 'credentials',
  detail: 'nobody knows whose pass it should be: there is neither a user nor a token',
  denyForMs: 0,
});

const NOBODY_ANSWERS: Refusal = Object.freeze({
  allow: false,
  reason: 'overload',
  kind: 'overload',
  detail: 'no provider of passes has answered',
  denyForMs: 0,
});

const DETAILS: Readonly<Record<Over, string>> = {
  quota_time: 'the time of the last pass is used up',
  quota_data: 'the data of the last pass is used up',
  expired: 'the last pass has expired',
};

function refusalOf(last: Payer['before']): Refusal {
  if (last === undefined) {
    return { allow: false, reason: 'no_pass', kind: 'limit', detail: 'there is no pass', denyForMs: 0 };
  }
  const { pass } = last.tab;
  const remaining: Record<string, number> = {};
  // The time left on a pass that has just run out is time that has not been watched yet: it counts as soon as somebody comes.
  if (leftMs(pass) < Infinity) remaining.seconds = last.over === 'quota_time' ? 0 : leftMs(pass) / 1e3;
  if (leftBytes(pass) < Infinity) remaining.bytes = leftBytes(pass);
  return { allow: false, reason: last.over, kind: 'limit', detail: DETAILS[last.over], remaining, denyForMs: 0 };
}
