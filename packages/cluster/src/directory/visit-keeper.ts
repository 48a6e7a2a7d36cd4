import type { DenialRecord, PlaySession } from '@stream-sessions/core';
import { RecentMap, type FoundVisit, type Part } from '@stream-sessions/core/spi';
import type { Replacement, VisitDirectory, VisitIdentity } from '@stream-sessions/core/spi';
import { holdersOf } from '../member.js';
import { placeOf } from '../visits/fields.js';
import type { Origin } from '../visits/outbox.js';
import { strangerOf, type Happening } from '../visits/happening.js';
import type { Claim } from '../visits/operation.js';
import { keyOf } from './merge-rows.js';
import { Openings } from './openings.js';
import { Unsettled } from './unsettled.js';
import type { EndedPart, Ending, VisitKeeperParts } from './visit-keeper-parts.js';
import { asLive, wholeOf } from './visit-rows.js';

/** How long to wait for nodes that hold other parts of a visit that has ended. Milliseconds. */
const END_MS = 1_000;

/** After this, whoever holds a part of a visit that has ended has been told so, if at all: by message, or by the log. Milliseconds. */
const OVER_MS = 2 * END_MS;

/** How long leaving waits for visits that are being ended. If it takes longer, another node sweeps up. Milliseconds. */
const LEAVE_MS = 5_000;
/** How long it waits for its last claims. Milliseconds. */
const CLAIM_MS = 1_000;

/** The most ends remembered that Redis could not be told. */
const MAX_OWED = 100_000;

/** Turns what this node's tracker asks and reports into operations on the visits of the cluster. */
export class VisitKeeper implements VisitDirectory {
  readonly whenAlone: 'local' | 'refuse';
  readonly timeLimitMs: number;
  /** By id, whether the part is new. */
  private readonly unclaimed = new Map<string, boolean>();
  /** Parts that began while this node was alone: nobody was told of them, so Redis cannot have lost them. */
  private readonly untold = new Set<string>();
  /** Parts whose ends Redis could not be told: if it has lost their visits meanwhile, nobody else reports that those have ended. */
  private readonly owed = new Map<string, EndedPart>();
  /** Parts that have ended here lately: another node may ask for their bytes. */
  private readonly ended = new RecentMap<EndedPart>({ max: 4_096 });
  /** The opening times of visits that were asked about lately. */
  private readonly openedAt = new RecentMap<number>({ max: 4_096 });
  private readonly openings: Openings;
  private readonly claims: Unsettled;
  /** Visits that are being ended for everybody. */
  private readonly endings: Unsettled;
  private isEnding = false;

  constructor(private readonly parts: VisitKeeperParts) {
    this.claims = new Unsettled(parts.clock);
    this.endings = new Unsettled(parts.clock);
    this.whenAlone = parts.whenAlone;
    this.timeLimitMs = parts.timeLimitMs;
    this.openings = new Openings(parts, (part) => this.claim(part, 'open'));
    parts.member.mailbox.on('end', (asked) => this.endHere(asked as Ending));
  }

  get isAlone(): boolean {
    return !this.parts.member.holds(0);
  }

  async find(asked: VisitIdentity): Promise<FoundVisit | undefined> {
    const { member, book } = this.parts;
    if (!member.holds(placeOf(asked).bucket)) return undefined;
    const answer = await book.find(asked, (each) => this.openings.answered(asked, each));
    // If somebody was kicked there a moment ago, the denial must arrive before the returning viewer.
    if (answer !== undefined && answer.logAt > 0) await member.log.reached(answer.logAt);
    if (answer !== undefined) this.openedAt.set(answer.found.id, answer.found.openedAt);
    return answer?.found;
  }

  /** The opening time of a visit that this node has asked about lately; undefined: it has not. */
  openedAtOf(id: string): number | undefined {
    return this.openedAt.get(id);
  }

  settled(found: FoundVisit): void {
    this.openings.settled(found);
  }

  changed(id: string, isNew: boolean): void {
    if (this.unclaimed.size === 0) setImmediate(() => this.claimAll());
    this.unclaimed.set(id, isNew || this.unclaimed.get(id) === true);
  }

  /** This node joins for the first time, with visits that no other knows. */
  begin(): void {
    const { port } = this.parts;
    for (const part of port.ids().map((id) => port.part(id))) if (part !== undefined) this.untold.add(keyOf(part));
  }

  /** This process has another incarnation since it rejoined, or a bucket has come back empty. */
  claimAgain(isMeant: (bucket: number) => boolean, why: Claim): void {
    const { port } = this.parts;
    this.openings.forget(isMeant);
    for (const id of port.ids()) {
      const part = port.part(id);
      if (part !== undefined && isMeant(placeOf(part).bucket)) this.claim(part, why);
    }
    for (const [key, { part }] of this.owed) {
      if (!isMeant(placeOf(part).bucket)) continue;
      // where nothing was lost, others close what this node has left
      if (why === 'lost') this.claim(part, why);
      else this.owed.delete(key);
    }
  }

  /** What it has ended for everybody has ended for all others, too. */
  get hasSettled(): boolean {
    return this.endings.isEmpty;
  }

  /** This node leaves: others may have parts of its visits. */
  async letGoOfAll(): Promise<void> {
    const { port, book, time, rowOf } = this.parts;
    // before they are let go of: a later claim would bring them back, and a part may turn out to be one of another visit
    this.claimAll();
    void book.flushed();
    await this.claims.settled(CLAIM_MS);
    for (const id of port.ids()) {
      const [part, row] = [port.part(id), rowOf(id)];
      if (part === undefined || row === undefined) continue;
      void this.letGo(time.part(part), { ...row, closedAt: time.now(), closeReason: 'shutdown' });
    }
    await this.endings.settled(LEAVE_MS);
    // also what is only answered now
    for (let i = 0; i < 2; i++) {
      this.openings.giveBackAll();
      await book.flushed();
    }
  }

  /** For what was not answered, or was left by a dead node: reported with what is known about it here. */
  happened(happening: Happening, told: () => void, origin?: Origin): void {
    const { id, openedAt, how, reason } = happening;
    const row = this.ended.get(keyOf(happening))?.row ?? this.parts.rowOf(id);
    const isKnown = row?.openedAt === openedAt;
    if (how === 'opened' && origin !== undefined && !isKnown) {
      this.openings.mayOpen(happening, origin.place, { step: origin.step, told });
      return;
    }
    if (how === 'opened') return this.parts.onOpened(asLive(isKnown ? row : strangerOf(happening)), told);
    // a stranger is whole already: hundreds of thousands may be lost with a node
    const whole = isKnown ? wholeOf(row, happening) : strangerOf(happening);
    const closedAt = whole.closedAt ?? Math.max(happening.updatedAt, openedAt);
    this.parts.onClosed({ ...whole, closedAt, closeReason: reason }, told);
  }

  left(ownPart: Part, ownRow: PlaySession, isOver: boolean): void {
    const { time } = this.parts;
    const [part, row] = [time.part(ownPart), time.row(ownRow)];
    const isTold = !this.untold.delete(keyOf(ownPart));
    this.ended.set(keyOf(part), { part, row });
    this.openings.letIn(part, row);
    if (this.isEnding) return;
    if (isOver) this.end(part, row, isTold);
    else void this.letGo(part, row, isTold);
  }

  denied(record: DenialRecord): void {
    void this.parts.words.deny(record);
  }

  lifted(id: string): void {
    void this.parts.words.lift(id);
  }

  replaced(replacement: Replacement): void {
    this.parts.words.replaced(replacement);
  }

  private claimAll(): void {
    const changed = [...this.unclaimed];
    this.unclaimed.clear();
    const { port, rowOf, words } = this.parts;
    for (const [id, isNew] of changed) {
      const part = port.part(id);
      if (part === undefined || words.visitsReplaced.endIfReplaced(part)) continue;
      if (isNew && !this.openings.isAsked(part)) this.untold.add(keyOf(part));
      if (!this.openings.isToldOf(part, rowOf(id))) this.claim(part, 'open');
    }
  }

  private claim(part: Part, why: Claim): void {
    this.claims.add(this.claimed(part, why));
  }

  private async claimed(part: Part, why: Claim): Promise<void> {
    const { port, book, rowOf, onOpened, onClosed } = this.parts;
    const key = keyOf(part);
    const claimed = await book.claim(this.parts.time.part(part), why === 'lost' && this.untold.has(key) ? 'open' : why);
    if (claimed === 'over') return this.owed.delete(key) ? undefined : this.beginAnew(part);
    if (claimed === undefined) {
      if (why === 'anew' && this.liveOf(part) !== undefined) this.untold.add(key);
      return;
    }
    this.untold.delete(key);
    const { visit, opened, closed } = claimed;
    const as = { id: visit.id, openedAt: visit.openedAt };
    const isSame = as.id === part.id && as.openedAt === part.openedAt;
    const last = this.ended.get(key) ?? this.owed.get(key) ?? { part, row: strangerOf(part) };
    const before = rowOf(part.id) ?? last.row;
    if (!isSame && !port.rename(part.id, visit) && port.part(visit.id) === undefined) {
      // It ended before anybody knew which visit it was.
      void this.letGo({ ...last.part, ...as, names: part.names }, { ...last.row, ...as });
    }
    if (this.owed.delete(key) && isSame) void this.letGo(last.part, last.row);
    const row = { ...asLive(rowOf(as.id) ?? last.row), ...as };
    this.openings.letIn(as, row);
    if (opened !== undefined) onOpened(row, opened);
    if (closed === undefined) return;
    // its bytes are the other's from now on
    const renamed = { bytes: 0, bytesReceived: 0, closedAt: before.updatedAt, closeReason: 'renamed' };
    onClosed({ ...asLive(before), id: part.id, openedAt: part.openedAt, ...renamed }, closed);
  }

  /** Its visit has ended for everybody. If nobody ends the part as well, this node was not heard of when that happened. */
  private beginAnew(part: Part): void {
    this.parts.clock.setTimeout(() => {
      const live = this.liveOf(part);
      if (live !== undefined) this.claim(live, 'anew');
    }, OVER_MS);
  }

  private liveOf({ id, openedAt }: Part): Part | undefined {
    const live = this.parts.port.part(id);
    return live?.openedAt === openedAt ? live : undefined;
  }

  private async letGo(part: Part, row: PlaySession, isTold = true): Promise<void> {
    const { port, book, time, onOpened, onClosed, onHandover } = this.parts;
    const reason = row.closeReason ?? 'idle';
    const epoch = this.epochOf(part);
    const ended = await book.letGo(part, reason);
    if (typeof ended !== 'object') return isTold ? this.owe({ part, row }, ended && epoch) : undefined;
    if (ended.opened !== undefined) onOpened(asLive(row), ended.opened);
    if (ended.closed === undefined) return reason === 'idle' ? onHandover() : undefined;
    const whole = wholeOf(row, ended);
    port.retire(time.ownRow(whole));
    onClosed(whole, ended.closed);
  }

  private epochOf(part: Part): string {
    return this.parts.member.membership.epochOf(placeOf(part).bucket).id;
  }

  /** @param sentIn The life of the bucket in which Redis was told, which has no such part; undefined: it could not be told */
  private owe(end: EndedPart, sentIn: string | undefined): void {
    const isLost = sentIn !== undefined && sentIn !== this.epochOf(end.part);
    if ((sentIn !== undefined && !isLost) || this.owed.size >= MAX_OWED) return;
    this.owed.set(keyOf(end.part), end);
    // otherwise it waits until this node joins anew
    if (isLost) this.claim(end.part, 'lost');
  }

  private end(part: Part, row: PlaySession, isTold: boolean): void {
    this.endings.add(this.endEverywhere(part, row, isTold));
  }

  /** Denials first, as on one node; then no node holds a part any more. */
  private async endEverywhere(part: Part, row: PlaySession, isTold: boolean): Promise<void> {
    const { book, member, words, onOpened, onClosed } = this.parts;
    const epoch = this.epochOf(part);
    const logAt = await words.said();
    const ended = await book.close(part, row.closeReason ?? '', logAt);
    if (typeof ended !== 'object') return isTold ? this.owe({ part, row }, ended && epoch) : undefined;
    if (ended.opened !== undefined) onOpened(asLive(row), ended.opened);
    const holders = holdersOf(member, ended.holders);
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

  /** Returns what was seen of it here. */
  endHere({ id, openedAt, reason, detail }: Ending): Part | null {
    this.openings.letIn({ id, openedAt }, this.parts.rowOf(id));
    this.isEnding = true;
    try {
      this.parts.port.end(id, openedAt, reason, detail);
    } finally {
      this.isEnding = false;
    }
    return this.ended.get(keyOf({ id, openedAt }))?.part ?? null;
  }
}
