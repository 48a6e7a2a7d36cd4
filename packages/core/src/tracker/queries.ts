import type { Lifecycle } from '../lifecycle/lifecycle.js';
import { checkFilter, compileFilter } from '../registry/filter.js';
import { checkEffort, countOf, pageOf } from '../registry/listing.js';
import type { Rates } from '../registry/rates.js';
import type { Row } from '../registry/closed-sessions.js';
import type { Registry } from '../registry/registry.js';
import { Session } from '../session/session.js';
import type { Settings } from '../settings/settings.js';
import type { Clock } from '../support/clock.js';
import type { PlaySession, SessionFilter } from '../types/play-session.js';
import type { TrackerView } from '../types/policy.js';

/** Lists and counts sessions, as copies. Public queries first drop what closed too long ago. */
export class Queries {
  constructor(
    private readonly registry: Registry,
    private readonly lifecycle: Lifecycle,
    private readonly settings: Settings,
    private readonly rates: Rates,
    private readonly clock: Clock,
  ) {}

  get(id: string): PlaySession | undefined {
    const live = this.registry.get(id);
    if (live !== undefined) return this.lifecycle.copy(live);
    this.registry.closed.expire(this.clock.now());
    const closed = this.registry.closed.get(id);
    return closed && this.rowOf(closed);
  }

  /** `unserved`: including sessions that are not listed yet. */
  list(filter: SessionFilter, unserved = false): PlaySession[] {
    checkFilter(filter);
    const { registry, settings } = this;
    registry.closed.expire(this.clock.now());
    const sources = registry.sources(filter, unserved);
    checkEffort(sources, filter);
    const page = pageOf(sources, filter, compileFilter(filter, settings.addresses));
    return page.map((visit) => this.rowOf(visit));
  }

  count(filter: SessionFilter, unserved = false): number {
    checkFilter(filter);
    const { registry, settings } = this;
    registry.closed.expire(this.clock.now());
    const sources = registry.sources(filter, unserved);
    checkEffort(sources, { ...filter, order: 'openedAt' }); // the order costs nothing here
    return countOf(sources, compileFilter(filter, settings.addresses));
  }

  private rowOf(visit: Row): PlaySession {
    return visit instanceof Session ? this.lifecycle.copy(visit) : visit;
  }

  /** The same for policies, which also count sessions that are not listed yet. */
  view(): TrackerView {
    const { clock, registry, rates } = this;
    return Object.freeze({
      get now() {
        return clock.now();
      },
      count: (filter: SessionFilter) => this.count(filter, true),
      list: (filter: SessionFilter) => this.list(filter, true),
      activeAt(id: string) {
        const session = registry.get(id);
        return session?.handles === undefined ? session?.updatedAt : clock.now();
      },
      rate: (stream?: string, windowMs?: number) => rates.mbits(stream ?? '', windowMs),
    });
  }
}
