import type { ResolvedHit } from '../identity/resolved-hit.js';
import { refererForPolicies, type Fingerprint } from '../identity/shown-text.js';
import type { Lifecycle } from '../lifecycle/lifecycle.js';
import type { Session } from '../session/session.js';
import type { Settings } from '../settings/settings.js';
import type { Logger } from '../support/logger.js';
import type { Candidate } from '../types/policy.js';

/** Builds what policies are told about a viewer who asks to be admitted. */
export class Candidates {
  constructor(
    private readonly settings: Settings,
    private readonly lifecycle: Lifecycle,
    private readonly logger: Logger,
    private readonly fingerprint: Fingerprint,
  ) {}

  /** `joins`: the live session that the hit belongs to. */
  of(resolved: ResolvedHit, joins: Session | undefined): Candidate {
    const { ip } = resolved;
    const facts = withoutBytes(resolved.hit);
    const country = joins?.country ?? resolved.country(this.settings.geo, this.logger);
    const candidate: { -readonly [K in keyof Candidate]: Candidate[K] } = { ...facts, ip, kind: resolved.kind };
    candidate.id = joins?.id ?? resolved.idToBe;
    if (country) candidate.country = country;
    if (facts.referer) candidate.referer = refererForPolicies(facts, this.fingerprint);
    if (joins !== undefined) candidate.session = this.lifecycle.copy(joins);
    return Object.freeze(candidate);
  }
}

/** Omitting a field costs several times as much as copying all of them, and few hits have this one. */
function withoutBytes(hit: ResolvedHit['hit']): Omit<ResolvedHit['hit'], 'bytes'> {
  if (hit.bytes === undefined) return hit;
  const { bytes: _bytes, ...facts } = hit;
  return facts;
}
