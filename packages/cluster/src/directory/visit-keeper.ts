import type { Clock, DenialRecord, PlaySession } from '@stream-sessions/core';
import { RecentMap, type ClusterPort, type FoundVisit, type Part } from '@stream-sessions/core/spi';
import type { VisitDirectory, VisitIdentity } from '@stream-sessions/core/spi';
import type { Member } from '../member.js';
import { placeOf } from '../visits/fields.js';
import type { Ended, VisitBook } from '../visits/visit-book.js';
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
  /** A visit has begun, told by the node whose step made it so. */
  readonly onOpened: (id: string) => void;
  /** A visit has ended. `row`: all of it. */
  readonly onClosed: (row: PlaySession) => void;
}

/** What the tracker of this node asks and tells, as operations on the visits of the cluster. */
export class VisitKeeper implements VisitDirectory {
  readonly whenAlone: 'local' | 'refuse';
  readonly timeLimitMs: number;
  private readonly unclaimed = new Set<string>();
  /** Parts that have ended here lately: another node may ask for their bytes. */
  private readonly ended = new RecentMap<Part>({ max: 4_096 });
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
    const { port, book } = this.parts;
    for (const part of port.ids().flatMap((id) => port.part(id) ?? [])) void book.letGo(part);
    // Where that cannot be told, its lease ends by itself.
    await book.flushed();
  }

  left(part: Part, row: PlaySession, isOver: boolean): void {
    this.ended.set(keyOf(part), part);
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
    const { port, book, onOpened } = this.parts;
    const claimed = await book.claim(part, wasLost);
    if (claimed === undefined) return;
    const { visit, isOpened } = claimed;
    const isSame = visit.id === part.id && visit.openedAt === part.openedAt;
    if (!isSame && !port.rename(part.id, visit) && port.part(visit.id) === undefined) {
      // It has ended before anybody knew what it was.
      await book.letGo({ ...(this.ended.get(keyOf(part)) ?? part), ...visit, names: part.names });
    }
    if (isOpened) onOpened(visit.id);
  }

  private async letGo(part: Part, row: PlaySession): Promise<void> {
    const { book, clock } = this.parts;
    let ended = await book.letGo(part);
    while (ended?.isAsked === true) {
      await new Promise<void>((resolve) => void clock.setTimeout(resolve, TENTATIVE_MS));
      ended = await book.letGo({ ...part, bytes: 0, bytesReceived: 0 }, true);
    }
    if (ended?.isClosed !== true) return;
    const whole = wholeOf(row, ended);
    this.parts.port.retire(whole);
    this.parts.onClosed(whole);
  }

  /** Denials first, as on one node; then nobody holds a part any more. */
  private async endEverywhere(part: Part, row: PlaySession): Promise<void> {
    const { book, member, words, onClosed } = this.parts;
    const logAt = await words.said();
    const ended = await book.close(part, logAt);
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
    onClosed(
      wholeOf(row, {
        ...ended,
        updatedAt: Math.max(ended.updatedAt, ...others.map(({ updatedAt }) => updatedAt)),
        bytes: others.reduce((sum, { bytes }) => sum + bytes, ended.bytes),
        bytesReceived: others.reduce((sum, { bytesReceived }) => sum + bytesReceived, ended.bytesReceived),
      }),
    );
  }

  /** Answers what was seen of it here. */
  endHere({ id, openedAt, reason, detail }: Ending): Part | null {
    this.isEnding = true;
    try {
      this.parts.port.end(id, openedAt, reason, detail);
    } finally {
      this.isEnding = false;
    }
    return this.ended.get(keyOf({ id, openedAt })) ?? null;
  }
}

const keyOf = ({ id, openedAt }: { readonly id: string; readonly openedAt: number }): string => `${openedAt} ${id}`;

/** The visit, of which this row was the last part. */
function wholeOf(row: PlaySession, { updatedAt, bytes, bytesReceived }: Ended): PlaySession {
  const later = Math.max(0, updatedAt - row.updatedAt);
  return { ...row, updatedAt: row.updatedAt + later, durationMs: row.durationMs + later, bytes, bytesReceived };
}
