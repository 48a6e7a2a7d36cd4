import { DenialEntry, keptPatterns, type DenialTable } from './denial-table.js';
import { patternsOfReplaced } from './kick-target.js';
import type { DenialTarget } from '../types/denial.js';
import type { Session } from '../session/session.js';
import type { Clock } from '../support/clock.js';
import { offeredBy } from '../session/decided.js';
import type { Settings } from '../settings/settings.js';

/** The most devices that stay out for one session; beyond that, the first of them may come back. */
const MAX_HELD = 64;
/** The last moment that a Date can represent. */
const NEVER = 8.64e15;

/** Keeps a replaced viewer out while the session that replaced it lives, so that two devices do not take turns. */
export class ReplacedDenials {
  /** By the session that is live. */
  private readonly heldBy = new Map<Session, readonly DenialEntry[]>();

  constructor(
    private readonly table: DenialTable,
    private readonly settings: Settings,
    private readonly clock: Clock,
  ) {}

  /** Denies the viewer as it was: with another player, or as another user, it may ask again. See `whileLives` for how long. */
  deny(session: Session): DenialEntry {
    const { id, stream, ip, userAgent, fingerprint, userId } = session;
    const target: DenialTarget = { session: id, stream, ip };
    if (userAgent !== undefined) target.userAgent = userAgent;
    if (fingerprint !== undefined) target.token = fingerprint;
    if (userId !== undefined) target.user = userId;
    const detail = 'another session of this viewer has taken its place';
    const facts = { target, by: 'policy', kind: 'limit', reason: 'replaced', detail, since: this.clock.now() } as const;
    const { hash } = this.settings;
    const patterns = patternsOfReplaced(session, this.settings, offeredBy(session, hash));
    const entry = new DenialEntry(facts, NEVER, keptPatterns(patterns, hash));
    entry.endsWithSession = true;
    this.table.add(entry);
    return entry;
  }

  /** These denials end with this session. */
  whileLives(session: Session, denials: readonly DenialEntry[]): void {
    if (denials.length === 0) return;
    const all = [...(this.heldBy.get(session) ?? []), ...denials];
    for (const entry of all.splice(0, all.length - MAX_HELD)) this.table.delete(entry);
    this.heldBy.set(session, all);
    if (session.isClosed) this.ended(session);
  }

  /** The denials that would end with this session: the caller holds them from now on. */
  inherit(session: Session): readonly DenialEntry[] {
    const denials = this.heldBy.get(session) ?? [];
    this.heldBy.delete(session);
    return denials;
  }

  /** A session is no longer live. */
  ended(session: Session): void {
    if (this.heldBy.size === 0) return;
    for (const entry of this.inherit(session)) this.table.delete(entry);
  }
}
