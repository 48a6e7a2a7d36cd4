import type { PlaySession } from '@stream-sessions/core';
import { RecentMap, type Part, type VisitIdentity } from '@stream-sessions/core/spi';
import { holdersOf } from '../member.js';
import { areKnown, type Place } from '../visits/fields.js';
import { strangerOf, type Happening } from '../visits/happening.js';
import type { Asked, Begun } from '../visits/operation.js';
import { AskedVisits, type AskedVisit } from './asked-visits.js';
import { keyOf } from './merge-rows.js';
import type { VisitKeeperParts } from './visit-keeper-parts.js';
import { asLive, wholeOf } from './visit-rows.js';

type Visit = Pick<Part, 'id' | 'openedAt'>;

/** How long to wait for nodes that are to report a visit. Milliseconds. */
const PASS_MS = 1_000;

/**
 * What becomes of questions. A question makes this node hold a part of a visit, new or not, so that admitting the viewer needs no
 * further step; if nobody is admitted, the part is given back. The node that began a visit reports it once it admits a viewer;
 * otherwise one of the nodes that have asked about it meanwhile does.
 */
export class Openings {
  private readonly asked: AskedVisits;
  /** Visits that others have begun without admitting a viewer: a node that admits one claims them. */
  private readonly passedOn = new RecentMap<true>({ max: 4_096 });
  private readonly tellsAllowed: boolean;

  constructor(
    private readonly parts: VisitKeeperParts,
    private readonly claim: (part: Part) => void,
  ) {
    this.asked = new AskedVisits(parts.clock, (visit) => this.late(visit));
    // otherwise no node needs it
    this.tellsAllowed = parts.port.identity['identity.aliases'] === 'admit';
    parts.member.mailbox.on('passed on', (visit) => this.passOnHere(visit as Visit));
  }

  answered({ kind, stream }: VisitIdentity, { found, place, begun, isPassedOn, isLetGo }: Asked): void {
    const { id, openedAt, names, allowedUntil } = found;
    if (isLetGo || (begun === undefined && this.liveOf(found) !== undefined)) return;
    this.asked.add({ id, openedAt, kind, stream, place, names, allowedUntil, begun, isPassedOn });
  }

  /** It began with a question whose answer was lost: a viewer may yet be admitted. */
  mayOpen(happening: Happening, place: Place, begun: Begun): void {
    const { id, openedAt, kind, stream } = happening;
    const unknown = { names: [], allowedUntil: undefined, isPassedOn: true };
    this.asked.add({ id, openedAt, kind, stream, place, begun, ...unknown });
  }

  settled(visit: Visit): void {
    // an admitted viewer is reported through `changed`
    if (this.parts.port.part(visit.id) !== undefined) return;
    const asked = this.asked.take(visit);
    if (asked !== undefined) void this.giveBack(asked);
  }

  /** Others know of it, or will by this node's question. */
  isAsked(visit: Visit): boolean {
    return this.asked.has(visit);
  }

  /** A viewer was admitted. Returns what was known when it was asked about; a visit that began with that question is reported. */
  letIn(visit: Visit, row: PlaySession | undefined): AskedVisit | undefined {
    const asked = this.asked.take(visit);
    if (asked?.begun !== undefined) this.parts.onOpened(asLive(row ?? strangerOf(asked)), asked.begun.told);
    return asked;
  }

  /** A viewer was admitted, or a part has changed. False: Redis does not know all of it. */
  isToldOf(part: Part, row: PlaySession | undefined): boolean {
    const asked = this.letIn(part, row);
    if (asked === undefined || asked.isPassedOn || this.passedOn.get(keyOf(part)) === true) return false;
    if (this.tellsAllowed && part.allowedUntil !== asked.allowedUntil) return false;
    return areKnown(part.names, asked.names);
  }

  /** The visits asked about in these buckets are gone, or others report them. */
  forget(isMeant: (bucket: number) => boolean): void {
    for (const { begun } of this.asked.takeAll(({ place }) => isMeant(place.bucket))) begun?.told();
  }

  /** This node leaves. */
  giveBackAll(): void {
    for (const visit of this.asked.takeAll()) void this.giveBack(visit);
    this.asked.stop();
  }

  private late(visit: AskedVisit): void {
    const live = this.liveOf(visit);
    if (live === undefined) void this.giveBack(visit);
    else if (visit.begun !== undefined) this.parts.onOpened(live, visit.begun.told);
  }

  private liveOf({ id, openedAt }: Visit): PlaySession | undefined {
    const { port, rowOf } = this.parts;
    return port.part(id)?.openedAt === openedAt ? rowOf(id) : undefined;
  }

  private async giveBack(visit: AskedVisit): Promise<void> {
    const { book, member, onOpened, onClosed } = this.parts;
    const { id, openedAt, place, begun } = visit;
    const { how = 'none', ended } = (await book.giveBack(place, visit, begun)) ?? {};
    if (how === 'passed') {
      void member.mailbox.ask(holdersOf(member, ended?.holders ?? []), 'passed on', { id, openedAt }, PASS_MS);
    }
    if (how === 'passed' || how === 'gone' || how === 'none') return begun?.told();
    // others have admitted a viewer
    const row = strangerOf(visit);
    if (begun !== undefined) onOpened(row, begun.told);
    if (ended?.closed === undefined) return;
    const closed = { ...row, closedAt: Math.max(ended.updatedAt, openedAt), closeReason: 'idle' };
    onClosed(wholeOf(closed, ended), ended.closed);
  }

  private passOnHere(visit: Visit): true {
    this.passedOn.set(keyOf(visit), true);
    const part = this.parts.port.part(visit.id);
    if (part?.openedAt === visit.openedAt) this.claim(part);
    return true;
  }
}
