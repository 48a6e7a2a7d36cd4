import { bestNameKind, givenName, hashedName, nameOf } from '../identity/name.js';
import type { Recipe } from '../identity/recipe.js';
import type { ResolvedHit } from '../identity/resolved-hit.js';
import type { Session } from '../session/session.js';
import type { Settings } from '../settings/settings.js';
import type { FoundVisit } from '../types/cluster.js';
import type { HitFacts } from '../types/hit.js';
import type { NamedBy } from '../types/play-session.js';
import type { Registry } from './registry.js';
import type { WaitingVisits } from './waiting-visits.js';

/** From the best kind of name to none. */
export const RANKS: readonly NamedBy[] = ['token', 'cmcd', 'playback-session', 'fingerprint'];

/** Finds the live session that a hit belongs to. */
export class Resolver {
  /** Visits of an earlier process that may still be continued. */
  waiting: WaitingVisits | undefined = undefined;

  constructor(
    private readonly settings: Settings,
    private readonly registry: Registry,
  ) {}

  /** The fast look-up that answers nearly every request: by its names as they came, without allocating anything. */
  find(recipe: Recipe, hit: HitFacts, network: string): Session | undefined {
    const aliases = this.settings.aliases && recipe.aliasable;
    const { stream, userAgent = '' } = hit;
    const groupKey = recipe.groupKey(network, hit.protocol, userAgent);
    const name = givenName(hit) ?? userAgent;
    return this.registry.find(recipe, stream, groupKey, bestNameKind(hit), name, aliases);
  }

  /** The live session that a connection joins where connections are merged. */
  merged({ recipe, stream, groupKey, namedBy, name }: ResolvedHit): Session | undefined {
    if (groupKey === undefined) return undefined;
    return this.registry.find(recipe, stream, groupKey, namedBy, name ?? '', this.settings.aliases);
  }

  /** The live session that this hit would open, if another request has opened it already. */
  opened(resolved: ResolvedHit): Session | undefined {
    const { visit } = resolved;
    if (visit !== undefined) return this.registry.get(visit.id) ?? this.named(resolved);
    const id = resolved.groupKey === undefined ? undefined : resolved.session();
    const known = id === undefined ? undefined : this.registry.get(id);
    const isNamedSo = known?.namedBy === resolved.namedBy && known.name === resolved.name;
    if (known !== undefined && (isNamedSo || !resolved.recipe.byName)) return known;
    return this.named(resolved) ?? this.adopter(resolved);
  }

  /** The live session that this hit belongs to although none here has its name. `found`: the cluster's answer. */
  belongsTo(resolved: ResolvedHit, found: FoundVisit | null | undefined): Session | undefined {
    if (!found) return this.adopter(resolved);
    resolved.visit = found;
    resolved.arrives = found.found === 'late';
    const live = this.registry.get(found.id);
    return live?.kind === resolved.kind && live.group !== undefined ? live : undefined;
  }

  /** The live session that has the name of this request, or was seen with it. */
  named({ recipe, stream, groupKey, namedBy, name, hit, isConnection }: ResolvedHit): Session | undefined {
    if (groupKey === undefined || isConnection) return undefined;
    const aliases = this.settings.aliases && recipe.aliasable;
    return this.registry.find(recipe, stream, groupKey, namedBy, name ?? hit.userAgent ?? '', aliases);
  }

  /**
   * The live session that an unknown name belongs to: players send a name with some requests only (with segments, with playlists,
   * from the second on). It is the session with the next best name of this request, or with the same player, if it has no other
   * name of that kind and no other session could be meant.
   */
  adopter(resolved: ResolvedHit): Session | undefined {
    const { recipe, groupKey } = resolved;
    if (!this.settings.aliases || !recipe.aliasable || groupKey === undefined || resolved.isConnection) {
      return undefined;
    }
    const before = this.waiting?.named(resolved, true);
    if (before !== undefined) return this.waiting?.has(before) === true ? undefined : before;
    const live = this.liveAdopter(resolved);
    // A waiting visit could be meant as well.
    if (live === undefined || this.waitingAdopter(resolved) !== undefined) return undefined;
    resolved.arrives = true;
    return live;
  }

  /**
   * The visit of an earlier process that this hit continues, if only one can be meant and no live session is. `user`: as named by
   * the policies.
   */
  resumes(resolved: ResolvedHit, user?: string): Session | undefined {
    const { waiting } = this;
    if (waiting === undefined || waiting.size === 0) return undefined;
    const { recipe, isConnection, groupKey, namedBy } = resolved;
    const known = waiting.named(resolved, this.settings.aliases && recipe.aliasable);
    if (known !== undefined) return waiting.has(known) ? known : undefined;
    if (isConnection || groupKey === undefined || this.liveAdopter(resolved) !== undefined) return undefined;
    const adopter = this.waitingAdopter(resolved);
    if (adopter !== undefined) resolved.arrives = true;
    if (adopter !== undefined || user === undefined || namedBy !== 'token') return adopter;
    const { token: _renewed, ...others } = resolved.hit;
    return waiting.ofUser(resolved, user, (session) => this.mayTake(session, others));
  }

  private waitingAdopter(resolved: ResolvedHit): Session | undefined {
    const { waiting } = this;
    const { recipe, hit, namedBy } = resolved;
    if (waiting === undefined || waiting.size === 0 || !this.settings.aliases || !recipe.aliasable) return undefined;
    for (const kind of RANKS.slice(RANKS.indexOf(namedBy) + 1)) {
      const name = nameOf(hit, kind);
      if (name === undefined) continue;
      const adopter = waiting.only(resolved, kind, name, (session) => this.mayTake(session, hit));
      if (adopter !== undefined) return adopter;
      if (kind !== 'fingerprint' && waiting.isTaken(resolved, kind, name)) return undefined;
    }
    return undefined;
  }

  private liveAdopter(resolved: ResolvedHit): Session | undefined {
    const { recipe, hit, groupKey, stream, namedBy } = resolved;
    if (groupKey === undefined) return undefined;
    const mayTake = (session: Session): boolean => this.mayTake(session, hit);
    for (const kind of RANKS.slice(RANKS.indexOf(namedBy) + 1)) {
      const name = nameOf(hit, kind);
      if (name === undefined) continue;
      const adopter = this.registry.findOnly(recipe, stream, groupKey, kind, name, mayTake);
      if (adopter !== undefined) return adopter;
      // Its own weaker name belongs to another session.
      if (kind !== 'fingerprint' && this.registry.find(recipe, stream, groupKey, kind, name, true)) return undefined;
    }
    return undefined;
  }

  /** True when each name of the hit is either one of the session's own, or of a kind of which the session has none. */
  private mayTake(session: Session, { token, sid, playerSessionId }: HitFacts): boolean {
    return (
      this.mayHave(session, 'cmcd', session.sid, sid) &&
      this.mayHave(session, 'playback-session', session.playerSessionId, playerSessionId) &&
      // one that was seen with it is found by it
      (!token || (session.token === undefined && this.mayHave(session, 'token', undefined, token)))
    );
  }

  private mayHave(session: Session, kind: NamedBy, own: string | undefined, brought: string | undefined): boolean {
    if (!brought || own !== undefined) return !brought || own === brought;
    const unseen = session.rare?.unseen?.filter(([of]) => of === kind) ?? [];
    if (unseen.length === 0) return true;
    const hashed = hashedName(kind, brought, this.settings.hash);
    return unseen.some(([, known]) => known === hashed);
  }
}
