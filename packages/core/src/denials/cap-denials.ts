import type { ResolvedHit } from '../identity/resolved-hit.js';
import type { Clock } from '../support/clock.js';
import type { DenialKind } from '../types/denial.js';
import type { CloseReason } from '../types/play-session.js';
import type { DenialFactory } from './denial-factory.js';
import type { DenialEntry } from './denial-entry.js';

/** A cap's refusals share one denial for this long, so that a flood makes one event a second. Milliseconds. */
const CAP_DENIAL_MS = 1000;
const MAX_CAP_DENIALS = 64;

/** What caps, bounds and the end of the tracker refuse. These denials are kept in no table, because a retry may find room. */
export class CapDenials {
  private readonly byDetail = new Map<string, DenialEntry>();

  constructor(
    private readonly factory: DenialFactory,
    private readonly clock: Clock,
  ) {}

  of(resolved: ResolvedHit, kind: DenialKind, reason: CloseReason, detail: string): DenialEntry {
    let entry = this.byDetail.get(detail);
    if (entry !== undefined && entry.until > this.clock.now()) return entry;
    if (this.byDetail.size >= MAX_CAP_DENIALS) this.byDetail.clear();
    entry = this.factory.ofHit(resolved, { by: 'cap', kind, reason, detail, forMs: CAP_DENIAL_MS });
    this.byDetail.set(detail, entry);
    return entry;
  }
}
