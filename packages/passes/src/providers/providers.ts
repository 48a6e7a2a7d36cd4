import type { Candidate, Clock, Logger } from '@stream-sessions/core';
import { badOption } from '@stream-sessions/core/spi';
import { Tab } from '../book/tab.js';
import type { SessionData } from '../types/session-data.js';
import type { PassProvider, SessionSource } from '../types/source.js';
import { inTime } from './in-time.js';
import { type Call, SourceLedger } from './source-ledger.js';

/** The result of asking the providers. */
export interface Offers {
  /** Passes that providers have offered: the last one is usable, if any is. */
  readonly tabs: readonly Tab[];
  /** None of the providers asked has answered. */
  readonly allFailed: boolean;
}

/** The providers, which sell passes besides the book. */
export class Providers {
  constructor(
    private readonly providers: readonly PassProvider[],
    private readonly timeoutMs: number,
    private readonly clock: Clock,
    private readonly logger: Logger,
    private readonly writer: string,
  ) {}

  get areThere(): boolean {
    return this.providers.length > 0;
  }

  /** Asks the providers in turn until one offers a usable pass. `known`: what they have offered before. */
  async ask(
    owner: string,
    candidate: Candidate,
    known: readonly Tab[],
    isUsable: (tab: Tab) => boolean,
  ): Promise<Offers> {
    const tabs: Tab[] = [];
    let failed = 0;
    for (const [rank, provider] of this.providers.entries()) {
      try {
        const source = await this.call((options) => provider.getSession(owner, candidate, options));
        if (source === undefined || source === null) continue;
        const tab = this.tabOf(provider, rank, owner, source, known);
        tabs.push(tab);
        if (isUsable(tab)) break;
      } catch (error) {
        failed++;
        this.logger.error(
          { err: error, provider: provider.name },
          'a provider of passes failed; the next one is asked',
        );
      }
    }
    // Unsaved spending must not be lost with it.
    const others = known.filter((tab) => !tab.isSaved && !tabs.includes(tab));
    return { tabs: [...tabs, ...others], allFailed: failed > 0 && failed === this.providers.length };
  }

  /** What the providers offer an owner. A provider that fails is left out. */
  async list(owner: string, page: number, perPage: number): Promise<SessionData[]> {
    const lists = this.providers.map(async (provider) => {
      try {
        return await this.call(() => provider.fetchSessions?.(owner, page, perPage) ?? []);
      } catch (error) {
        this.logger.error({ err: error, provider: provider.name }, 'a provider could not list its passes');
        return [];
      }
    });
    return (await Promise.all(lists)).flat();
  }

  private readonly call: Call = (call) => inTime(this.clock, this.timeoutMs, call);

  private tabOf(
    { name }: PassProvider,
    rank: number,
    owner: string,
    source: SessionSource,
    known: readonly Tab[],
  ): Tab {
    const id = `${name}:${owner}`;
    const before = known.find((tab) => tab.id === id);
    if (before === undefined) {
      const ledger = new SourceLedger(id, owner, source, this.call);
      return new Tab(ledger.passOf(source.data()), ledger, this.writer, () => this.clock.now(), rank);
    }
    const ledger = before.ledger as SourceLedger;
    const pass = ledger.passOf(source.data());
    // It may have been read before the last save completed: consumption only increases.
    const timeCons = Math.max(pass.timeCons, before.saved.timeCons);
    const dataCons = Math.max(pass.dataCons, before.saved.dataCons);
    before.renew({ ...pass, timeCons, dataCons });
    ledger.source = source;
    return before;
  }
}

/** @throws StreamSessionsError ERR_BAD_OPTION */
export function checkProviders(providers: readonly PassProvider[]): void {
  const given: unknown = providers;
  const isOne = ({ name, getSession }: Partial<PassProvider>): boolean =>
    typeof name === 'string' && name !== '' && typeof getSession === 'function';
  if (!Array.isArray(given) || !given.every((one) => typeof one === 'object' && one !== null && isOne(one as object))) {
    throw badOption('providers', 'a list of providers, each with a name and getSession()', given);
  }
  const names = new Set(providers.map(({ name }) => name));
  if (names.size < providers.length) throw badOption('providers', 'providers of different names', [...names]);
}
