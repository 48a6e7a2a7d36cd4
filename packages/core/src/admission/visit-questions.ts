import type { ResolvedHit } from '../identity/resolved-hit.js';
import type { Membership } from '../lifecycle/membership.js';
import type { Resolver } from '../registry/resolver.js';
import { identityOfHit } from '../registry/visit-identity.js';
import type { Settings } from '../settings/settings.js';
import type { Clock } from '../support/clock.js';
import type { FoundVisit, VisitDirectory, VisitIdentity } from '../types/cluster.js';

/** The number of questions in flight at once; beyond it, a new request is not held up. */
const MAX_IN_FLIGHT = 10_000;

/** Asks the cluster whose hit this is when no session here matches. Identical questions share one round trip. */
export class VisitQuestions {
  private readonly inFlight = new Map<string, Promise<FoundVisit | undefined>>();

  constructor(
    private readonly membership: Membership,
    private readonly resolver: Resolver,
    private readonly settings: Settings,
    private readonly clock: Clock,
  ) {}

  /** The cluster's answer; undefined: there is no cluster to ask, or nothing to ask about. */
  ask(resolved: ResolvedHit): Promise<FoundVisit | undefined> | undefined {
    const { directory } = this.membership;
    if (directory === undefined || directory.isAlone || !this.settings.enabled || !resolved.recipe.tracks) {
      return undefined;
    }
    // A connection of its own is on no other node.
    if (resolved.groupKey === undefined || this.resolver.resumes(resolved) !== undefined) return undefined;
    const { aliases, hash } = this.settings;
    const asked = identityOfHit(resolved, aliases, hash);
    const key = `${asked.place} ${asked.names.join(' ')}`;
    const same = this.inFlight.get(key);
    if (same !== undefined || this.inFlight.size >= MAX_IN_FLIGHT) return same;
    const answer = this.inTime(directory, asked);
    this.inFlight.set(key, answer);
    void answer.then(() => this.inFlight.delete(key));
    return answer;
  }

  /** The viewer that was asked about has been admitted or refused. */
  settled(found: FoundVisit | undefined): void {
    if (found !== undefined) this.membership.directory?.settled(found);
  }

  /** True when a new session is refused: the cluster could not say whose hit it is, and does not want that decided locally. */
  refuses({ visit, groupKey }: ResolvedHit): boolean {
    const { directory } = this.membership;
    if (directory?.whenAlone !== 'refuse' || visit !== undefined) return false;
    return groupKey !== undefined || directory.isAlone;
  }

  /** Never rejects. */
  private inTime(directory: VisitDirectory, asked: VisitIdentity): Promise<FoundVisit | undefined> {
    return new Promise((resolve) => {
      const timer = this.clock.setTimeout(() => resolve(undefined), directory.timeLimitMs);
      const finish = (found: FoundVisit | undefined): void => {
        this.clock.clearTimeout(timer);
        resolve(found);
      };
      directory.find(asked).then(finish, () => finish(undefined));
    });
  }
}
