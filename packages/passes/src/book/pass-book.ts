import { randomUUID } from 'node:crypto';
import { StreamSessionsError } from '@stream-sessions/core';
import {
  badOption,
  checkClock,
  checkMethods,
  checkOptions,
  consoleLogger,
  hasMethods,
  isolated,
  ownCopy,
  systemClock,
} from '@stream-sessions/core/spi';
import { expiresAt, leftBytes, leftMs } from '../rules/availability.js';
import { checkProviders, Providers } from '../providers/providers.js';
import {
  checkKey,
  checkOwner,
  endedPass,
  fullTerms,
  fullTopUp,
  hashOfTerms,
  idOfKey,
  reusedKey,
  type TopUp,
} from '../rules/terms.js';
import { MemoryPassStore } from '../store/memory-store.js';
import type { PassBookOptions, PassEvents, Remaining, Speed } from '../types/book.js';
import type { PassTerms, SessionData } from '../types/session-data.js';
import type { Pass, PassChange, PassStore } from '../types/store.js';
import type { Account } from './account.js';
import { Accounts } from './accounts.js';
import { Desk } from './desk.js';

const KNOWN = [
  'store',
  'providers',
  'providerTimeoutMs',
  'saveEveryMs',
  'pauseAfterMs',
  'globalSpeed',
  'expiry',
  'clock',
  'logger',
];

const accountsOfBooks = new WeakMap<PassBook, Accounts>();

/** For the policy, which bills to the accounts of a book. */
export const accountsOf = (book: PassBook): Accounts | undefined => accountsOfBooks.get(book);

/** The passes that owners have bought, and how much of each is left. */
export class PassBook {
  private readonly desk: Desk;
  private readonly accounts: Accounts;
  private readonly store: PassStore;

  /** @internal Use `passBook()`. */
  constructor(desk: Desk, accounts: Accounts) {
    this.desk = desk;
    this.accounts = accounts;
    this.store = desk.store;
    accountsOfBooks.set(this, accounts);
  }

  /**
   * Sells a pass to an owner. It begins when its owner first watches.
   *
   * @param options.key Creating again with the same key, at most 255 characters, returns the pass that was created with it.
   * @throws StreamSessionsError ERR_BAD_PASS, ERR_BAD_OPTION; ERR_PASS_KEY if the key was used for other terms or another owner
   */
  async create(owner: string, terms: PassTerms, { key }: { key?: string } = {}): Promise<Pass> {
    checkOwner(owner);
    const full = fullTerms(terms);
    checkKey(key);
    const hash = key === undefined ? undefined : hashOfTerms(owner, full);
    const pass: Pass = {
      id: key === undefined ? randomUUID() : idOfKey(key),
      owner: ownCopy(owner),
      provider: '',
      ...full,
      timeCons: 0,
      dataCons: 0,
      startedAt: null,
      createdAt: this.desk.clock.now(),
      billedUntil: null,
      endedAt: null,
      ops: {},
      ...(hash !== undefined && { terms: hash }),
    };
    const kept = await this.store.add(pass);
    if (kept.terms !== hash) throw reusedKey('a pass of other terms or another owner');
    this.accounts.changed(kept);
    return this.asSpent(kept);
  }

  /** A pass by its id, including what was spent until now. */
  async get(id: string): Promise<Pass | undefined> {
    const pass = await this.store.get(id);
    return pass && this.asSpent(pass);
  }

  /** All passes of an owner, in order of creation. */
  async list(owner: string): Promise<Pass[]> {
    const passes = await this.store.list(owner);
    return passes.map((pass) => this.asSpent(pass)).sort((a, b) => a.createdAt - b.createdAt || (a.id < b.id ? -1 : 1));
  }

  /** What the providers offer an owner, one page from each, starting with 1. A provider that fails is logged and left out. */
  offers(owner: string, { page = 1, perPage = 100 }: { page?: number; perPage?: number } = {}): Promise<SessionData[]> {
    return this.desk.providers.list(owner, page, perPage);
  }

  /** The pass that an owner is using up, or would begin with. */
  async current(owner: string): Promise<Pass | undefined> {
    return (await this.remaining(owner))?.pass;
  }

  /** What is left of it. Undefined: the owner has none that can be used. */
  async remaining(owner: string): Promise<Remaining | undefined> {
    const account = await this.opened(owner);
    const now = this.desk.clock.now();
    account.bill(now);
    const { tab, until } = account.payer(now);
    this.accounts.release(account);
    if (tab === undefined) return undefined;
    const { pass } = tab;
    const [ms, bytes, expires] = [leftMs(pass), leftBytes(pass), expiresAt(pass, this.desk.expiry)];
    return {
      pass,
      ...(ms < Infinity && { seconds: ms / 1e3 }),
      ...(bytes < Infinity && { bytes }),
      expiresAt: expires < Infinity ? expires : null,
      endsAt: until < Infinity ? until : null,
      isPlaying: account.isWatching,
    };
  }

  /**
   * Adds to a pass. It takes effect at once for current viewers; refused ones may come back.
   *
   * @param options.key Topping up this pass again with the same key, at most 255 characters, adds nothing. The last 64 keys of a
   *   pass are remembered.
   * @throws StreamSessionsError ERR_BAD_PASS, ERR_BAD_OPTION; ERR_NO_PASS if there is no such pass; ERR_PASS_ENDED if it was ended;
   *   ERR_PASS_KEY if the key was used for something else
   */
  async topUp(id: string, more: TopUp, { key }: { key?: string } = {}): Promise<Pass> {
    checkKey(key);
    const change = fullTopUp(more, key);
    const pass = await this.change(id, change);
    const { once } = change;
    const counted = once && pass.topUps?.[once.key];
    if (pass.endedAt !== null && counted === undefined) throw endedPass();
    if (counted !== once?.terms) throw reusedKey('another top-up of this pass');
    return pass;
  }

  /**
   * Ends a pass early. Its viewers continue with the next one, or are cut. Safe to call twice.
   *
   * @throws StreamSessionsError ERR_NO_PASS
   */
  end(id: string): Promise<Pass> {
    return this.change(id, { endedAt: this.desk.clock.now() });
  }

  /** Other limits for passes with `useGlobalSpeed`; they take effect at once. */
  setGlobalSpeed(speed: Speed): void {
    checkSpeed('setGlobalSpeed()', speed);
    this.desk.globalSpeed = { ...speed };
    this.accounts.lookAtAll();
  }

  /** Calls the listener for each event, until the function that it returns is called. */
  on<E extends keyof PassEvents>(event: E, listener: (event: PassEvents[E]) => void): () => void {
    return this.desk.on(event, listener);
  }

  /** Bills and saves what was watched until now, while viewers play on. At the end of the process, use `close()`. */
  save(): Promise<void> {
    return this.accounts.saveAll();
  }

  /** Saves everything and closes the store. Stop the tracker first. Safe to call twice. */
  async close(): Promise<void> {
    this.accounts.stop();
    await this.accounts.saveAll();
    await this.store.close?.();
  }

  /** Whoever opens it has to release it. */
  private async opened(owner: string): Promise<Account> {
    checkOwner(owner);
    const account = this.accounts.open(owner);
    account.asking++;
    try {
      await this.accounts.load(account);
    } catch (error) {
      account.asking--;
      this.accounts.release(account);
      throw error;
    }
    account.asking--;
    return account;
  }

  private async change(id: string, change: PassChange): Promise<Pass> {
    const pass = await this.store.change(id, change);
    if (pass === undefined) throw new StreamSessionsError('ERR_NO_PASS', 'There is no such pass.');
    this.accounts.changed(pass);
    return this.asSpent(pass);
  }

  /** Includes what was spent and has not been saved yet. */
  private asSpent(pass: Pass): Pass {
    const account = this.accounts.find(pass.owner);
    if (account === undefined) return pass;
    account.bill(this.desk.clock.now());
    return account.till.tabs.find(({ id }) => id === pass.id)?.passAsOf(pass) ?? pass;
  }
}

/**
 * Creates a book of passes. A book belongs to one process; several may share a store.
 *
 * @throws StreamSessionsError ERR_BAD_OPTION
 * @example const book = passBook({ store: await openPassFile('passes.jsonl') });
 */
export function passBook(options: PassBookOptions = {}): PassBook {
  checkOptions('passBook()', options, KNOWN);
  const { store = new MemoryPassStore(), saveEveryMs = 15_000, pauseAfterMs = 60_000, globalSpeed = {} } = options;
  const { expiry = 'time-and-days', clock = systemClock, providers = [], providerTimeoutMs = 2_000 } = options;
  const { logger = consoleLogger } = options;
  checkClock(clock);
  checkMethods('logger', logger, LOGGER);
  if (!(typeof saveEveryMs === 'number' && saveEveryMs >= 100 && saveEveryMs < Infinity)) {
    throw badOption('saveEveryMs', 'a number of milliseconds from 100', saveEveryMs);
  }
  if (!(typeof pauseAfterMs === 'number' && pauseAfterMs >= 0)) {
    throw badOption('pauseAfterMs', 'a number of milliseconds from 0', pauseAfterMs);
  }
  if (expiry !== 'time-and-days' && expiry !== 'days-only') {
    throw badOption('expiry', "'time-and-days' or 'days-only'", expiry);
  }
  if (!(typeof providerTimeoutMs === 'number' && providerTimeoutMs > 0)) {
    throw badOption('providerTimeoutMs', 'a number of milliseconds above 0', providerTimeoutMs);
  }
  checkProviders(providers);
  checkSpeed('globalSpeed', globalSpeed);
  if (!hasMethods(store, STORE)) throw badOption('store', 'a PassStore', store);
  const safe = isolated(logger);
  const writer = randomUUID();
  const sellers = new Providers([...providers], providerTimeoutMs, clock, safe, writer);
  const desk = new Desk(store, sellers, clock, safe, expiry, writer, pauseAfterMs, { ...globalSpeed });
  return new PassBook(desk, new Accounts(desk, saveEveryMs));
}

function checkSpeed(what: string, speed: Speed): void {
  checkOptions(what, speed, ['downMbits', 'upMbits']);
  for (const [name, mbits] of Object.entries(speed)) {
    if (!(mbits === undefined || (typeof mbits === 'number' && mbits >= 0))) {
      throw badOption(`${what}: ${name}`, 'a number of megabits per second from 0', mbits);
    }
  }
}

const STORE = ['add', 'get', 'list', 'spend', 'change'];
const LOGGER = ['debug', 'info', 'warn', 'error'];
