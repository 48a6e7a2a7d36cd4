import { MultiMap } from '../collections/multi-map.js';
import type { DenialEntry } from '../denials/denial-entry.js';
import { matchesElsewhere, matchesSession, mentionedBy, tokensOf } from '../denials/live-match.js';
import type { Denials } from '../denials/denials.js';
import { readTarget } from '../denials/target.js';
import type { Lifecycle } from '../lifecycle/lifecycle.js';
import { compileFilter } from '../registry/filter.js';
import { checkKickFilter } from '../wire/check-filter.js';
import type { Registry } from '../registry/registry.js';
import type { Resolver } from '../registry/resolver.js';
import { forgetVerdicts } from '../session/decided.js';
import type { Session } from '../session/session.js';
import type { Settings } from '../settings/settings.js';
import type { Clock } from '../support/clock.js';
import { MAX_DENIAL_TEXT } from '../support/bounds.js';
import { StreamSessionsError } from '../support/errors.js';
import { badOption, checkDuration, checkOptions } from '../support/options.js';
import { inTurns } from '../support/turns.js';
import type { Reviews } from '../sweeper/reviews.js';
import type { Denial, DenialTarget } from '../types/denial.js';
import type { SessionFilter } from '../types/play-session.js';
import type { DenyOptions, InvalidateResult, KickOptions } from '../types/operations.js';
import type { Queries } from './queries.js';

/** The number of sessions looked at in one turn. */
const AT_ONCE = 256;
/** Stands for the tokens of denials that name none. */
const ANY_TOKEN = '';

/** What an operator can do to viewers: kick them, keep them out, have the policies decide again. */
export class Operator {
  constructor(
    private readonly parts: {
      readonly settings: Settings;
      readonly clock: Clock;
      readonly registry: Registry;
      readonly resolver: Resolver;
      readonly denials: Denials;
      readonly lifecycle: Lifecycle;
      readonly reviews: Reviews;
      readonly queries: Queries;
    },
  ) {}

  kick(id: string, options: KickOptions = {}): boolean {
    checkOptions('kick()', options, ['denyForMs', 'reason', 'revoke']);
    const { registry, resolver, lifecycle, denials, settings, clock } = this.parts;
    const { revoke = false, reason } = options;
    if (typeof revoke !== 'boolean') throw badOption('revoke', 'true or false', revoke);
    const session = registry.get(id) ?? resolver.waiting?.get(id);
    const user = revoke && session?.rare?.vouched === true ? session.rare.userId : undefined;
    const { denyForMs = user === undefined ? settings.deniedRetentionMs : 0 } = options;
    checkDuration('denyForMs', denyForMs);
    checkReason(reason);
    if (session === undefined) return false;
    // The denial comes first: a client that reconnects after the cut must already be refused.
    denials.denyKicked(session, denyForMs, reason);
    const revoked = user === undefined ? undefined : { user, issuedBefore: clock.now() };
    const said = reason === undefined ? {} : { reason };
    if (revoked !== undefined) denials.deny(revoked, settings.revokeForMs, reason);
    const isLive = registry.get(id) === session;
    if (isLive) lifecycle.close(session, 'kicked', { detail: reason });
    else lifecycle.endWaiting(session, 'kicked', reason);
    // the other sessions of this user
    if (revoked !== undefined) this.deny(revoked, { forMs: 0, ...said });
    return true;
  }

  /** Returns the ids of the sessions that were kicked. */
  kickAll(filter: SessionFilter, options?: KickOptions): string[] {
    checkKickFilter(filter);
    if (filter.status === 'closed') return [];
    const ids = this.parts.queries.list({ ...filter, status: 'active' }, true).map((session) => session.id);
    ids.push(...this.waitingAs(filter));
    return ids.filter((id) => this.kick(id, options));
  }

  deny(rawTarget: DenialTarget, options: DenyOptions = {}): Denial {
    checkOptions('deny()', options, ['forMs', 'reason']);
    const target = readTarget(rawTarget);
    const { deniedRetentionMs, revokeForMs } = this.parts.settings;
    const { forMs = target.issuedBefore === undefined ? deniedRetentionMs : revokeForMs, reason } = options;
    checkDuration('forMs', forMs);
    checkReason(reason);
    const denial = this.parts.denials.deny(target, forMs, reason);
    for (const session of this.liveSuspects(target)) {
      if (matchesSession(target, session, this.parts.settings))
        this.parts.lifecycle.close(session, 'denied', { detail: reason });
      // it goes by a credential issued later; others that it was admitted by may be older
      else if (target.issuedBefore !== undefined) forgetVerdicts(session);
    }
    for (const session of this.waiting(mentionedBy(target, this.parts.settings.hash))) {
      if (matchesSession(target, session, this.parts.settings))
        this.parts.lifecycle.endWaiting(session, 'denied', reason);
    }
    return denial;
  }

  /**
   * Denials made elsewhere, by their ids: live sessions that they cover are closed here, too. Those that no index leads to are
   * found in one walk over all sessions for all of these denials, while others get their turns.
   */
  async enforce(ids: readonly string[]): Promise<void> {
    const { registry, denials, clock } = this.parts;
    if (registry.firstLive() === undefined) return;
    const others: DenialEntry[] = [];
    for (const entry of denials.operator.pick(ids, clock.now())) {
      if (entry.by !== 'deny') continue;
      const suspects = this.indexedSuspects(entry.target);
      if (suspects === undefined) others.push(entry);
      else for (const session of suspects) this.enforceOn(session, entry);
    }
    if (others.length > 0) await inTurns(this.enforceOnAll(others));
  }

  async invalidate(streams?: string | readonly string[]): Promise<InvalidateResult> {
    const given: unknown = streams;
    if (given !== undefined && typeof given !== 'string' && !Array.isArray(given)) {
      throw badOption('streams', 'a stream code, or a list of them', given);
    }
    const codes = typeof streams === 'string' ? [streams] : streams;
    const denialsLifted = this.parts.denials.liftRemembered(
      ({ target }) => codes === undefined || (target.stream !== undefined && codes.includes(target.stream)),
    );
    const sessions = new Set((codes ?? [undefined]).flatMap((code) => this.parts.registry.liveOf(code)));
    return { ...(await this.parts.reviews.decideAgain([...sessions])), denialsLifted };
  }

  async reauthorize(target: { user?: string | undefined; session?: string | undefined }): Promise<InvalidateResult> {
    checkOptions('reauthorize()', target, ['user', 'session']);
    const { user, session: id } = target;
    if (!user && !id) {
      throw new StreamSessionsError('ERR_EMPTY_FILTER', 'reauthorize() needs a user or a session.');
    }
    const denialsLifted = user ? this.parts.denials.liftRemembered((denial) => denial.target.user === user) : 0;
    const one = id ? this.parts.registry.get(id) : undefined;
    const sessions = id ? (one === undefined ? [] : [one]) : this.parts.registry.liveOfUser(user as string);
    const meant = user ? sessions.filter((session) => session.userId === user) : sessions;
    return { ...(await this.parts.reviews.decideAgain(meant)), denialsLifted };
  }

  private waitingAs(filter: SessionFilter): string[] {
    const matches = compileFilter(filter, this.parts.settings.addresses);
    const { stream } = filter;
    const isMeant = (session: Session): boolean =>
      (!stream || session.streams.includes(stream)) && (matches === undefined || matches(session));
    const texts = [stream, filter.user].filter((text) => text !== undefined);
    return Array.from(this.waiting(texts)).flatMap((session) => (isMeant(session) ? [session.id] : []));
  }

  /**
   * Visits of an earlier process that may be continued and whose records contain these texts: operators' orders apply to them,
   * too.
   */
  private waiting(texts: readonly string[]): Iterable<Session> {
    return this.parts.resolver.waiting?.mentioning(...texts) ?? [];
  }

  private *enforceOnAll(denials: readonly DenialEntry[]): Generator<void, void> {
    const { registry, settings } = this.parts;
    const byToken = new MultiMap<DenialEntry>();
    for (const entry of denials) byToken.add(entry.token ?? ANY_TOKEN, entry);
    const nameTokens = denials.some(({ token }) => token !== undefined);
    for (const [n, session] of registry.liveOf().entries()) {
      if (n % AT_ONCE === AT_ONCE - 1) yield;
      for (const token of [ANY_TOKEN, ...(nameTokens ? tokensOf(session, settings.hash) : [])]) {
        byToken.find(token, (entry) => entry.isHeld && this.enforceOn(session, entry));
      }
    }
  }

  private enforceOn(session: Session, { target, token, detail }: DenialEntry): boolean {
    if (matchesElsewhere(target, token, session, this.parts.settings)) {
      return this.parts.lifecycle.close(session, 'denied', { detail });
    }
    if (target.issuedBefore !== undefined) forgetVerdicts(session);
    return false;
  }

  /** Live sessions that a denial of this target could cover. */
  private liveSuspects(target: DenialTarget): Session[] {
    return this.indexedSuspects(target) ?? this.parts.registry.liveOf();
  }

  /** Those that the narrowest index leads to; undefined: there is none for this target. */
  private indexedSuspects({ session: id, user, stream, ip }: DenialTarget): Session[] | undefined {
    const { registry, settings } = this.parts;
    if (id !== undefined) return [registry.get(id)].filter((session) => session !== undefined);
    if (user !== undefined) return registry.liveOfUser(user);
    if (stream !== undefined) return registry.liveOf(stream);
    if (ip !== undefined && !ip.includes('/')) {
      return registry.liveOfNetwork(settings.addresses.network(settings.addresses.address(ip)));
    }
    return undefined;
  }
}

function checkReason(reason: unknown): void {
  const length = typeof reason === 'string' ? reason.length : undefined;
  if (reason === undefined || (length !== undefined && length <= MAX_DENIAL_TEXT)) return;
  const given = length === undefined ? reason : `one of ${length}`;
  throw badOption('reason', `a text of at most ${MAX_DENIAL_TEXT} characters`, given);
}
