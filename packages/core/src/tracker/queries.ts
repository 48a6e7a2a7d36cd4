import type { Lifecycle } from '../lifecycle/lifecycle.js';
import { compileFilter, type Test } from '../registry/filter.js';
import { checkFilter } from '../wire/check-filter.js';
import { checkEffort, countOf, matches, pageOf, type Sources } from '../registry/listing.js';
import type { Position } from '../registry/cursor.js';
import type { Rates } from '../registry/rates.js';
import type { Row } from '../registry/closed-sessions.js';
import type { Registry } from '../registry/registry.js';
import { SessionList } from '../registry/session-list.js';
import { Session, SHOWN_NAME_LENGTH } from '../session/session.js';
import type { Settings } from '../settings/settings.js';
import type { Clock } from '../support/clock.js';
import { atOnce, inTurns } from '../support/turns.js';
import type { PlaySession, SessionFilter, SessionOrder } from '../types/play-session.js';
import type { TrackerView } from '../types/policy.js';

/** Found by an index, more than this are not sorted at once: a walk over all sessions lets others have their turn. */
const FEW = 1_000;

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
    const [sources, test] = this.chosen(filter, unserved);
    return atOnce(pageOf(sources, filter, test, (visit) => visit)).map((visit) => this.rowOf(visit));
  }

  /** The same while others get their turns. */
  async listInTurns(filter: SessionFilter): Promise<PlaySession[]> {
    const [sources, test] = this.chosen(filter, false);
    const page = await inTurns(pageOf(sources, filter, test, (visit) => this.rowOf(visit)));
    return page.map((visit) => this.rowOf(visit));
  }

  /** Calls `visit` for each match, while others get their turns. One that ends meanwhile may come twice. */
  async eachInTurns(filter: SessionFilter, visit: (row: Position) => void): Promise<void> {
    const [sources, test] = this.chosen(filter, false, 'openedAt');
    return inTurns(matches(sources, test, visit));
  }

  count(filter: SessionFilter, unserved = false): number {
    return countOf(...this.chosen(filter, unserved, 'openedAt'));
  }

  /** `order`: needed instead of that of the filter. */
  private chosen(filter: SessionFilter, unserved: boolean, order?: SessionOrder): [Sources, Test | undefined] {
    checkFilter(filter);
    const { registry, settings } = this;
    registry.closed.expire(this.clock.now());
    const sources = registry.sources(filter, unserved, this.few(filter, unserved));
    checkEffort(sources, order === undefined ? filter : { ...filter, order });
    return [sources, compileFilter(filter, settings.addresses)];
  }

  /** The live sessions that an index leads to, if they are few: all that match are among them. */
  private few({ ip, user, stream }: SessionFilter, unserved: boolean): SessionList<Session> | undefined {
    const found = this.indexed(ip, user);
    if (found === undefined || found.length > FEW) return undefined;
    const isListed = (session: Session): boolean => unserved || !session.isUnserved;
    return SessionList.of(found.filter((each) => isListed(each) && (!stream || each.streams.includes(stream))));
  }

  private indexed(ip: string | undefined, user: string | undefined): Session[] | undefined {
    const { registry, settings } = this;
    if (ip) {
      const network = settings.addresses.network(settings.addresses.address(ip));
      return registry.countOfNetwork(network) > FEW ? undefined : registry.liveOfNetwork(network);
    }
    // a short one may be the name by which a session without a user is shown
    return user && user.length > SHOWN_NAME_LENGTH ? registry.liveOfUser(user) : undefined;
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
