import { DenialEntry, keptPatterns } from './denial-entry.js';
import { type DenialTable } from './denial-table.js';
import { fromRecord } from './denial-record.js';
import { patternsOfReplaced } from './kick-target.js';
import type { DenialRecord, DenialTarget } from '../types/denial.js';
import type { Session } from '../session/session.js';
import { LAST_MS, type Clock } from '../support/clock.js';
import { offeredBy } from '../session/decided.js';
import type { Settings } from '../settings/settings.js';

/** The most devices that stay out for one session; beyond that, the first of them may come back. */
const MAX_HELD = 64;

/** Hears of denials that hold on other nodes as well. */
export interface ReplacedJournal {
  /** `by`: the session that replaced the viewer. `openedAt`: when the replaced session opened; undefined: long ago. */
  made(entry: DenialEntry, by: string, openedAt?: number): void;
  /** A session that is not live here was replaced. */
  elsewhere(id: string, by: string): void;
  ended(entry: DenialEntry): void;
}

/** Keeps a replaced viewer out while the session that replaced it lives, so that two devices do not take turns. */
export class ReplacedDenials {
  /** By the session that is live. */
  private readonly heldBy = new Map<Session, readonly DenialEntry[]>();

  /** Set while this tracker is in a cluster. */
  shared: ReplacedJournal | undefined = undefined;

  constructor(
    private readonly table: DenialTable,
    private readonly settings: Settings,
    private readonly clock: Clock,
  ) {}

  /**
   * Denies the viewer as it was: with another player, or as another user, it may ask again. See `whileLives` for how long.
   *
   * @param by the id of the session that replaces it
   */
  deny(session: Session, by: string): DenialEntry {
    const { id, stream, ip, userAgent, fingerprint, userId } = session;
    const target: DenialTarget = { session: id, stream, ip };
    if (userAgent !== undefined) target.userAgent = userAgent;
    if (fingerprint !== undefined) target.token = fingerprint;
    if (userId !== undefined) target.user = userId;
    const detail = 'another session of this viewer has taken its place';
    const facts = { target, by: 'policy', kind: 'limit', reason: 'replaced', detail, since: this.clock.now() } as const;
    const { hash } = this.settings;
    const patterns = patternsOfReplaced(session, this.settings, offeredBy(session, hash));
    const entry = new DenialEntry(facts, LAST_MS, keptPatterns(patterns, hash));
    entry.endsWithSession = true;
    this.table.add(entry);
    this.shared?.made(entry, by, session.openedAt);
    return entry;
  }

  /** These denials end with this session. */
  whileLives(session: Session, denials: readonly DenialEntry[]): void {
    if (denials.length === 0) return;
    const all = [...(this.heldBy.get(session) ?? []), ...denials];
    for (const entry of all.splice(0, all.length - MAX_HELD)) this.end(entry);
    this.heldBy.set(session, all);
    if (session.isClosed) this.ended(session, false);
  }

  /** The denials that would end with this session: the caller holds them from now on. */
  inherit(session: Session): readonly DenialEntry[] {
    const denials = this.heldBy.get(session) ?? [];
    this.heldBy.delete(session);
    return denials;
  }

  /** A session is no longer live. `goesOn`: its visit may go on elsewhere, and the cluster tells when it ends. */
  ended(session: Session, goesOn: boolean): void {
    if (this.heldBy.size === 0) return;
    const denials = this.inherit(session);
    if (!goesOn) this.endAll(denials);
  }

  /** Nothing has replaced these viewers after all. */
  endAll(denials: readonly DenialEntry[]): void {
    for (const entry of denials) this.end(entry);
  }

  /** Tells the journal of all denials there are, and of all changes from now on. */
  join(journal: ReplacedJournal): void {
    this.shared = journal;
    for (const [session, denials] of this.heldBy) for (const entry of denials) journal.made(entry, session.id);
  }

  /** Keeps out a viewer that was replaced on another node, until this is lifted. @throws StreamSessionsError ERR_BAD_DENIAL */
  keepOut(record: DenialRecord): void {
    const entry = fromRecord(record, this.settings.hash.keyId);
    entry.endsWithSession = true;
    this.table.replace(entry);
  }

  /** Lifted elsewhere. */
  drop(id: string): boolean {
    const entry = this.table.get(id);
    if (entry !== undefined) this.table.delete(entry);
    return entry !== undefined;
  }

  private end(entry: DenialEntry): void {
    this.table.delete(entry);
    this.shared?.ended(entry);
  }
}
