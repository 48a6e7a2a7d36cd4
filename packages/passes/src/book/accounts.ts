import type { Candidate } from '@stream-sessions/core';
import { everyMs, ownCopy } from '@stream-sessions/core/spi';
import { overAt } from '../rules/availability.js';
import type { Awaitable, Pass } from '../types/store.js';
import { Account } from './account.js';
import type { Desk } from './desk.js';
import { type Ledger, Tab } from './tab.js';

/** The accounts of owners who are watching now, or were a moment ago. */
export class Accounts {
  private readonly byOwner = new Map<string, Account>();
  private stopSaving: (() => void) | undefined = undefined;

  constructor(
    readonly desk: Desk,
    private readonly saveEveryMs: number,
  ) {}

  /** The account of an owner, if it is open. */
  find(owner: string): Account | undefined {
    return this.byOwner.get(owner);
  }

  open(owner: string): Account {
    let account = this.byOwner.get(owner);
    if (account === undefined) {
      const own = ownCopy(owner);
      this.byOwner.set(own, (account = new Account(own, this.desk)));
    }
    return account;
  }

  /** Loads the owner's passes from the store; for a candidate, its providers are asked first. */
  load(account: Account, candidate?: Candidate): Awaitable<void> {
    if (candidate !== undefined && this.desk.providers.areThere) return this.askProviders(account, candidate);
    const passes = this.desk.store.list(account.owner);
    if (passes instanceof Promise) return passes.then((all) => this.loaded(account, all));
    return this.loaded(account, passes);
  }

  /** A request no longer needs the account: if nobody is watching on it, it is closed, unless a pause may still count. */
  release(account: Account): void {
    if (account.isIdle(this.desk.clock.now())) this.byOwner.delete(account.owner);
    else this.start();
  }

  /** Bills and saves all that was watched until now. */
  async saveAll(): Promise<void> {
    const now = this.desk.clock.now();
    await Promise.all(
      [...this.byOwner.values()].map((account) => {
        account.bill(now);
        return account.save();
      }),
    );
  }

  stop(): void {
    this.stopSaving?.();
    this.stopSaving = undefined;
  }

  /** Looks at all visits of all owners. */
  lookAtAll(): void {
    for (const account of this.byOwner.values()) account.lookAtAll();
  }

  /** A pass was created or changed by this process. */
  changed(pass: Pass): void {
    const account = this.byOwner.get(pass.owner);
    if (account === undefined) return;
    account.beforeChange(this.desk.clock.now());
    const known = account.till.tabs.find(({ id }) => id === pass.id);
    if (known === undefined) account.till.tabs = [...account.till.tabs, this.tabOf(pass)];
    else {
      known.renew(pass);
      // A pass that was topped up can be exhausted again.
      known.isOverTold &&= overAt(pass, this.desk.clock.now(), this.desk.expiry) !== undefined;
    }
    account.lookAtAll();
  }

  /** Concurrent requests share one answer. */
  private askProviders(account: Account, candidate: Candidate): Promise<void> {
    const ask = async (): Promise<void> => {
      const { providers, clock, expiry } = this.desk;
      const isUsable = ({ pass }: Tab): boolean => overAt(pass, clock.now(), expiry) === undefined;
      const known = account.till.tabs.filter(isOffered);
      const { tabs, allFailed } = await providers.ask(account.owner, candidate, known, isUsable);
      account.providersFailed = allFailed;
      account.till.tabs = [...tabs, ...account.till.tabs.filter((tab) => !isOffered(tab))];
      await this.load(account);
    };
    return (account.loading ??= ask().finally(() => (account.loading = undefined)));
  }

  private loaded(account: Account, passes: readonly Pass[]): void {
    const { till } = account;
    const own = passes.map((pass) => {
      const known = till.tabs.find(({ id }) => id === pass.id);
      known?.renew(pass);
      return known ?? this.tabOf(pass);
    });
    till.tabs = [...till.tabs.filter(isOffered), ...own];
  }

  private tabOf(pass: Pass): Tab {
    const { store, writer, clock, expiry } = this.desk;
    const { id } = pass;
    const ledger: Ledger = { spend: (spending) => store.spend(id, spending) };
    const tab = new Tab(pass, ledger, writer, () => clock.now());
    // A pass that was already used up is not reported.
    tab.isOverTold = overAt(pass, clock.now(), expiry) !== undefined;
    return tab;
  }

  private start(): void {
    this.stopSaving ??= everyMs(this.desk.clock, this.saveEveryMs, () => this.tick());
  }

  private tick(): void {
    const now = this.desk.clock.now();
    for (const account of this.byOwner.values()) {
      account.bill(now);
      void account.save();
      this.release(account);
    }
    if (this.byOwner.size === 0) this.stop();
  }
}

/** True if it comes from a provider. */
const isOffered = ({ rank }: Tab): boolean => rank < Infinity;
