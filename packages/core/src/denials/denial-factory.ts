import { networkOf, parseBlock } from '../identity/address.js';
import type { ResolvedHit } from '../identity/resolved-hit.js';
import type { Fingerprint } from '../identity/shown-text.js';
import { MAX_STREAM_LENGTH } from '../identity/stream-code.js';
import { offeredBy } from '../session/decided.js';
import type { Session } from '../session/session.js';
import type { Settings } from '../settings/settings.js';
import { LAST_MS, type Clock } from '../support/clock.js';
import { keep, ownCopy } from '../support/strings.js';
import type { Denial, DenialTarget } from '../types/denial.js';
import type { PolicyDecision } from '../types/explanation.js';
import { DenialEntry, keptPatterns } from './denial-entry.js';
import { asCredential, patternsOfKick } from './kick-target.js';
import type { DenialPattern } from './pattern.js';
import { targetKey } from './target.js';

/** Why a request is refused. */
export interface RefusalFacts extends Pick<Denial, 'kind' | 'reason' | 'detail'> {
  readonly by: 'policy' | 'cap';
  /** Duration in milliseconds from now. */
  readonly forMs: number;
  readonly patterns?: readonly DenialPattern[];
  readonly policyDecisions?: readonly PolicyDecision[];
}

/** Makes denials: whom they are about, and the patterns they are found by. They contain neither secrets nor long texts. */
export class DenialFactory {
  constructor(
    private readonly settings: Settings,
    private readonly clock: Clock,
    private readonly fingerprint: Fingerprint,
  ) {}

  /** The denial for a kicked session: the architecture notes on kick say whom it covers. */
  ofKick(session: Session, forMs: number, reason: string | undefined): DenialEntry {
    const { id, stream, ip, userAgent, rare } = session;
    const { recipes, addresses, kickByAddress, hash } = this.settings;
    const target: DenialTarget = { session: id, stream };
    if (rare?.vouched && rare.userId !== undefined) target.user = rare.userId;
    else Object.assign(target, { ip }, userAgent === undefined ? {} : { userAgent });
    const offered = offeredBy(session, hash);
    const terms = { recipe: recipes.viewer, addresses, hash, byAddress: kickByAddress, offered };
    const patterns = keptPatterns(patternsOfKick(session, terms), hash);
    const since = this.clock.now();
    const facts = { target, by: 'kick', kind: 'forbidden', reason: 'kicked', detail: reason, since } as const;
    return new DenialEntry(facts, endOf(since, forMs), patterns);
  }

  /** The denial for a target, as returned by `readTarget`. */
  ofTarget(target: DenialTarget, forMs: number, reason: string | undefined): DenialEntry {
    const { ip, token, issuedBefore: _time, ...rest } = target;
    const { hash } = this.settings;
    const values: DenialPattern = { ...rest };
    const block = ip === undefined ? undefined : parseBlock(ip);
    if (block?.prefixLength !== undefined) {
      values.block = { network: networkOf(block.address, block.prefixLength), prefixLength: block.prefixLength };
    } else if (block !== undefined) values.ip = block.address;
    const always = token === undefined ? [values] : asCredential(values, hash.of(token));
    const shown = token === undefined ? target : { ...target, token: this.fingerprint(token) };
    const since = this.clock.now();
    const facts = { target: shown, by: 'deny', kind: 'forbidden', reason: 'denied', detail: reason, since } as const;
    const origin = { targetKey: targetKey(target, hash) };
    return new DenialEntry(facts, endOf(since, forMs), keptPatterns({ always }, hash), origin);
  }

  /** The denial for a refused hit. Values are copied, so that it does not keep the request in memory. */
  ofHit(resolved: ResolvedHit, { by, kind, reason, detail, forMs, ...rest }: RefusalFacts): DenialEntry {
    const { patterns = [], policyDecisions = [] } = rest;
    const target: DenialTarget = { stream: keep(resolved.stream, MAX_STREAM_LENGTH) ?? '', ip: ownCopy(resolved.ip) };
    if (resolved.user !== undefined) target.user = ownCopy(resolved.user);
    if (resolved.token !== undefined && by === 'policy') target.token = this.fingerprint(resolved.token);
    const since = this.clock.now();
    const facts = { target, by, kind, reason, detail, since };
    const kept = keptPatterns({ always: patterns }, this.settings.hash);
    return new DenialEntry(facts, endOf(since, forMs), kept, { policyDecisions });
  }
}

/** The end of a denial that is made now. "For ever" is the last moment that a Date can represent. */
const endOf = (now: number, forMs: number): number => Math.min(now + forMs, LAST_MS);
