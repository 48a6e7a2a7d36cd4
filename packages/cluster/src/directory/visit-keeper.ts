import type { Clock, DenialRecord, PlaySession } from '@stream-sessions/core';
import { RecentMap, type ClusterPort, type FoundVisit, type Part } from '@stream-sessions/core/spi';
import type { VisitDirectory, VisitIdentity } from '@stream-sessions/core/spi';
import type { Member } from '../member.js';
import { placeOf } from '../visits/fields.js';
import { strangerOf, type Happening } from '../visits/happening.js';
import type { VisitBook } from '../visits/visit-book.js';
import { TENTATIVE_MS } from '../visits/visit-lua.js';
import type { OperatorWords } from './operator-words.js';

/** How long is waited for nodes that hold other parts of a visit that has ended. */
const END_MS = 1_000;

/** Which part has ended elsewhere, and why. */
interface Ending {
  readonly id: string;
  readonly openedAt: number;
  readonly reason: string;
  readonly detail?: string | undefined;
}

export interface VisitKeeperParts {
  readonly port: ClusterPort;
  readonly member: Member;
  readonly book: VisitBook;
  readonly clock: Clock;
  readonly words: OperatorWords;
  readonly whenAlone: 'local' | 'refuse';
  readonly timeLimitMs: number;
  /** A visit of this tracker, live or ended, as lists show it. */
  readonly rowOf: (id: string) => PlaySession | undefined;
  /** A visit has begun by a step of this node. `told`: everybody who listens has it. */
  readonly onOpened: (row: PlaySession, told: () => void) => void;
  /** A visit has ended by a step of this node. `row`: all of it. */
  readonly onClosed: (row: PlaySession, told: () => void) => void;
}

/** What the tracker of this node asks and tells, as operations on the visits of the cluster. */
export class VisitKeeper implements VisitDirectory {
  readonly whenAlone: 'local' | 'refuse';
  readonly timeLimitMs: number;
  private readonly unclaimed = new Set<string>();
  /** Parts that have ended here lately: another node may ask for their bytes. */
  private readonly ended = new RecentMap<{ readonly part: Part; readonly row: PlaySession }>({ max: 4_096 });
  /** Visits that others have asked about, and that this node lets go of again in a while: their timers. */
  private readonly awaited = new Map<Part, unknown>();
  private isLeaving = false;
  private isEnding = false;

  constructor(private readonly parts: VisitKeeperParts) {
    this.whenAlone = parts.whenAlone;
    this.timeLimitMs = parts.timeLimitMs;
    parts.member.mailbox.on('end', (asked) => this.endHere(asked as Ending));
  }

  get isAlone(): boolean {
    return !this.parts.member.holds(0);
  }

  async find(asked: VisitIdentity): Promise<FoundVisit | undefined> {
    const { member, book } = this.parts;
    if (!member.holds(placeOf(asked).bucket)) return undefined;
    const answer = await book.find(asked);
    // Who was kicked there a moment ago: the denial comes before whoever returns.
    if (answer !== undefined && answer.logAt > 0) await member.log.reached(answer.logAt);
    return answer?.found;
  }

  changed(id: string): void {
    if (this.unclaimed.size === 0) setImmediate(() => this.claimAll(false));
    this.unclaimed.add(id);
  }

  /** This process is somebody else since it has joined again, or a bucket has come back empty. */
  claimAgain(isMeant: (bucket: number) => boolean, wasLost: boolean): void {
    const { port } = this.parts;
    for (const id of port.ids()) {
      const part = port.part(id);
      if (part !== undefined && isMeant(placeOf(part).bucket)) void this.claim(part, wasLost);
    }
  }

  /** This node goes: others may have parts of what it has. */
  async letGoOfAll(): Promise<void> {
    const { port, book, clock, rowOf } = this.parts;
    for (const id of port.ids()) {
      const [part, row] = [port.part(id), rowOf(id)];
      if (part === undefined || row === undefined) continue;
      void this.letGo(part, { ...row, closedAt: clock.now(), closeReason: 'shutdown' });
    }
    this.isLeaving = true;
    for (const timer of this.awaited.values()) clock.clearTimeout(timer);
    // Where that cannot be told, its lease ends by itself.
    await book.flushed();
  }

  /** Whether it holds visits that others have asked about: if they do not come, it has to be swept up after this node. */
  get holdsAwaited(): boolean {
    return this.awaited.size > 0;
  }

  /** For what was not answered, or was left by a dead node: what is known of it here is told. */
  happened(happening: Happening, told: () => void): void {
    const { id, openedAt, how, reason } = happening;
    const row = this.ended.get(keyOf(happening))?.row ?? this.parts.rowOf(id);
    const known = row?.openedAt === openedAt ? row : strangerOf(happening);
    if (how === 'opened') return this.parts.onOpened(asLive(known), told);
    const closed = {
      ...known,
      closedAt: known.closedAt ?? Math.max(happening.updatedAt, openedAt),
      closeReason: reason,
    };
    this.parts.onClosed(wholeOf(closed, happening), told);
  }

  left(part: Part, row: PlaySession, isOver: boolean): void {
    this.ended.set(keyOf(part), { part, row });
    if (this.isEnding) return;
    if (isOver) void this.endEverywhere(part, row);
    else void this.letGo(part, row);
  }

  denied(record: DenialRecord): void {
    void this.parts.words.deny(record);
  }

  lifted(id: string): void {
    void this.parts.words.lift(id);
  }

  private claimAll(wasLost: boolean): void {
    const ids = [...this.unclaimed];
    this.unclaimed.clear();
    for (const id of ids) {
      const part = this.parts.port.part(id);
      if (part !== undefined) void this.claim(part, wasLost);
    }
  }

  private async claim(part: Part, wasLost: boolean): Promise<void> {
    const { port, book, rowOf, onOpened } = this.parts;
    const claimed = await book.claim(part, wasLost);
    if (claimed === undefined) return;
    const { visit, opened } = claimed;
    const as = { id: visit.id, openedAt: visit.openedAt };
    const isSame = as.id === part.id && as.openedAt === part.openedAt;
    const last = this.ended.get(keyOf(part)) ?? { part, row: strangerOf({ ...part, how: 'opened', reason: 'idle' }) };
    if (!isSame && !port.rename(part.id, visit) && port.part(visit.id) === undefined) {
      // It has ended before anybody knew what it was.
      void this.letGo({ ...last.part, ...as, names: part.names }, { ...last.row, ...as });
    }
    if (opened !== undefined) onOpened({ ...asLive(rowOf(as.id) ?? last.row), ...as }, opened);
  }

  private async letGo(part: Part, row: PlaySession): Promise<void> {
    const { port, book, onClosed } = this.parts;
    const reason = row.closeReason ?? 'idle';
    let ended = await book.letGo(part, reason);
    while (ended?.isAsked === true) {
      await this.awaitOthers(part);
      // it has come back to this very node
      if (port.part(part.id)?.openedAt === part.openedAt) return;
      ended = await book.letGo({ ...part, bytes: 0, bytesReceived: 0 }, reason);
    }
    if (ended?.closed === undefined) return;
    const whole = wholeOf(row, ended);
    port.retire(whole);
    onClosed(whole, ended.closed);
  }

  /** Never resolves if this node leaves meanwhile. */
  private awaitOthers(part: Part): Promise<void> {
    const { clock } = this.parts;
    return new Promise((resolve) => {
      const over = (): void => {
        this.awaited.delete(part);
        resolve();
      };
      this.awaited.set(part, this.isLeaving ? undefined : clock.setTimeout(over, TENTATIVE_MS));
    });
  }

  /** Denials first, as on one node; then nobody holds a part any more. */
  private async endEverywhere(part: Part, row: PlaySession): Promise<void> {
    const { book, member, words, onClosed } = this.parts;
    const logAt = await words.said();
    const ended = await book.close(part, row.closeReason ?? '', logAt);
    if (ended === undefined) return;
    const holders = member.membership.nodes
      .living()
      .filter(({ incarnation }) => ended.holders.some((holder) => incarnation.startsWith(holder)));
    const ending: Ending = {
      ...{ id: part.id, openedAt: part.openedAt, reason: row.closeReason ?? '' },
      detail: row.closeDetail,
    };
    const { answers, missing } = await member.mailbox.ask<Part | null>(holders, 'end', ending, END_MS);
    if (missing.length > 0) await words.end(ending);
    const others = answers.flatMap(({ answer }) => (answer === null ? [] : [answer]));
    if (ended.closed === undefined) return;
    const whole = wholeOf(row, {
      updatedAt: Math.max(ended.updatedAt, ...others.map(({ updatedAt }) => updatedAt)),
      bytes: others.reduce((sum, { bytes }) => sum + bytes, ended.bytes),
      bytesReceived: others.reduce((sum, { bytesReceived }) => sum + bytesReceived, ended.bytesReceived),
    });
    onClosed(whole, ended.closed);
  }

  /** Answers what was seen of it here. */
  endHere({ id, openedAt, reason, detail }: Ending): Part | null {
    this.isEnding = true;
    try {
      this.parts.port.end(id, openedAt, reason, detail);
    } finally {
      this.isEnding = false;
    }
    return this.ended.get(keyOf({ id, openedAt }))?.part ?? null;
  }
}

const keyOf = ({ id, openedAt }: { readonly id: string; readonly openedAt: number }): string => `${openedAt} ${id}`;

/** It has ended here already, but first it has begun. */
function asLive({ closedAt: _at, closeReason: _why, closeDetail: _detail, ...row }: PlaySession): PlaySession {
  return row;
}

type Figures = Pick<Happening, 'updatedAt' | 'bytes' | 'bytesReceived'>;

/** The visit, of which this row was the last part. */
function wholeOf(row: PlaySession, { updatedAt, bytes, bytesReceived }: Figures): PlaySession {
  const later = Math.max(0, updatedAt - row.updatedAt);
  return { ...row, updatedAt: row.updatedAt + later, durationMs: row.durationMs + later, bytes, bytesReceived };
}
