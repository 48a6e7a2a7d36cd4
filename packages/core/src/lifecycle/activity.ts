import type { ResolvedHit } from '../identity/resolved-hit.js';
import type { HitMerger } from '../registry/hit-merger.js';
import type { Registry } from '../registry/registry.js';
import type { Totals } from '../registry/totals.js';
import type { HandleNode } from '../session/handle-list.js';
import { setHot } from '../session/hot-fields.js';
import { withReport } from '../session/quality.js';
import type { Session } from '../session/session.js';
import { withTags } from '../session/tags.js';
import type { Clock } from '../support/clock.js';
import type { HitFacts } from '../types/hit.js';
import type { Quality } from '../types/play-session.js';
import { countable } from '../support/numbers.js';
import type { SessionDeadlines } from './session-deadlines.js';
import type { SessionEvents } from './session-events.js';

/** The parts that `Activity` works with. */
export interface ActivityParts {
  readonly registry: Registry;
  readonly merger: HitMerger;
  readonly deadlines: SessionDeadlines;
  readonly events: SessionEvents;
  readonly totals: Totals;
  readonly clock: Clock;
  /** Called when as many bytes have flowed as a policy was waiting for. */
  readonly onReviewDue: () => void;
}

/** What happens while a session lives: hits, bytes, reports. This is the hot path of every segment. */
export class Activity {
  private readonly registry: Registry;
  private readonly merger: HitMerger;
  private readonly deadlines: SessionDeadlines;
  private readonly events: SessionEvents;
  private readonly totals: Totals;
  private readonly clock: Clock;
  private readonly onReviewDue: () => void;

  constructor(parts: ActivityParts) {
    this.registry = parts.registry;
    this.merger = parts.merger;
    this.deadlines = parts.deadlines;
    this.events = parts.events;
    this.totals = parts.totals;
    this.clock = parts.clock;
    this.onReviewDue = parts.onReviewDue;
  }

  /** Keeps the session out of every list until something is served to it. */
  hide(session: Session): void {
    setHot(session, 'onServed', nothing);
  }

  /** Something was served to a session that was hidden so far. */
  served(session: Session): void {
    const onServed = session.hot?.onServed;
    if (onServed === undefined || session.isClosed) return;
    this.hide(session);
    onServed();
    // A policy that had to say who makes room may have failed, which closed the session.
    if (session.isClosed) return;
    this.registry.show(session);
    if (session.rare?.streams === undefined) this.registry.liveStreams.served.add(session.stream);
    this.totals.opened++;
    this.totals.watched(session.openedAt, session.updatedAt);
    this.events.opened(session);
  }

  /** Another request or connection joins a live session. */
  joinAs(session: Session, resolved: ResolvedHit): void {
    const { hit, ip, network, isConnection, visit } = resolved;
    const before = session.hot?.lastHitAt ?? session.updatedAt;
    this.join(session, hit, ip, network, countable(hit.bytes));
    if (isConnection) setHot(session, 'lastHitAt', before);
    if (visit !== undefined) this.learnName(session, resolved);
  }

  /** The cluster has matched the hit to this session: from now on, that name finds it locally. */
  learnName(session: Session, resolved: ResolvedHit): void {
    this.merger.learnName(session, resolved);
  }

  /** Records a hit of a live session and the bytes that came with it. Returns the time. */
  join(session: Session, hit: HitFacts, ip: string, network: string, bytes = 0): number {
    const now = this.clock.now();
    const before = session.updatedAt;
    session.updatedAt = now;
    this.merger.merge(session, hit, ip, network);
    const { hot } = session;
    if (hot !== undefined && hot.lastHitAt !== undefined) hot.lastHitAt = now;
    if (hit.keepMs) this.keep(session, hit, now);
    if (hot?.onServed === undefined) this.totals.watched(before, now);
    else if (hit.tentative === true || isError(hit)) return now;
    else this.served(session);
    if (bytes > 0) this.credit(session, bytes, now);
    this.events.updated(session);
    return now;
  }

  /** The session stays open for as long as the hit asked, even if nothing else comes. */
  keep(session: Session, { keepMs = 0 }: HitFacts, now: number): void {
    if (!(keepMs > 0)) return;
    const { rareFields } = session;
    rareFields.keepUntil = Math.max(rareFields.keepUntil ?? 0, now + Math.min(keepMs, MAX_KEEP_MS));
  }

  /** Bytes were sent to the session, or it was seen. */
  touch(session: Session, handle: HandleNode | undefined, added: number, now = this.clock.now()): void {
    const { updatedAt: before, isUnserved } = session;
    session.updatedAt = now;
    if (handle !== undefined) handle.touchedAt = now;
    if (!isUnserved) this.totals.watched(before, now);
    const bytes = countable(added);
    if (bytes === 0) return;
    if (isUnserved) {
      this.served(session);
      if (session.isClosed) return;
    }
    this.credit(session, bytes, now);
    this.events.updated(session);
  }

  receive(session: Session, received: number): void {
    const bytes = countable(received);
    if (bytes === 0) return;
    const now = this.clock.now();
    if (!session.isUnserved) this.totals.watched(session.updatedAt, now);
    this.totals.bytesReceived += bytes;
    session.updatedAt = now;
    session.rareFields.bytesReceived += bytes;
    session.hot?.rates?.received.add(bytes, now);
    session.begin(now);
    this.lookIfDue(session, now);
    // the last bytes come while it ends
    if (!session.isClosed && !session.isUnserved) this.events.updated(session);
  }

  tag(session: Session, tags: Readonly<Record<string, string>>): void {
    session.rareFields.tags = withTags(session.tags, tags);
    this.registry.noteChange(session);
    this.changed(session);
  }

  /** Records the quality that its player reports. */
  report(session: Session, quality: Quality, provisional: boolean): void {
    session.rareFields.quality = withReport(session.rare?.quality, quality);
    if (!provisional) session.rareFields.reportedAt = this.clock.now();
    this.changed(session);
  }

  msSinceReport(session: Session): number {
    const reportedAt = session.rare?.reportedAt ?? -Infinity;
    return reportedAt === -Infinity ? Infinity : this.clock.now() - reportedAt;
  }

  /** A visible detail has changed, other than the counters that move while somebody watches. */
  changed(session: Session): void {
    session.hasNewDetails = true;
    if (!session.isClosed && !session.isUnserved) this.events.updated(session);
  }

  /** Credits bytes that were sent to the session. */
  credit(session: Session, bytes: number, now: number): void {
    if (bytes === 0) return;
    session.credit(bytes, now);
    session.hot?.rates?.sent.add(bytes, now);
    this.totals.bytes += bytes;
    this.lookIfDue(session, now);
  }

  private lookIfDue(session: Session, now: number): void {
    if (!session.isReviewDue || session.isClosed) return;
    this.deadlines.wheel.place(session, now);
    // A policy that waits for these bytes is asked at once, but not again for each packet that follows.
    const { rareFields } = session;
    const bytes = session.hot?.reviewBytes;
    if (rareFields.hurriedAt === bytes) return;
    rareFields.hurriedAt = bytes;
    this.onReviewDue();
  }
}

/** The longest that a hit may keep a session open. Milliseconds. */
const MAX_KEEP_MS = 24 * 3_600_000;

const nothing = (): void => undefined;

/** True for a hit that was answered with an error. */
export const isError = ({ status }: HitFacts): boolean => status !== undefined && status >= 400;
