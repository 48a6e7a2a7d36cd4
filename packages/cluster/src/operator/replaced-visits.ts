import { randomUUID } from 'node:crypto';
import type { DenialRecord, Logger } from '@stream-sessions/core';
import { parseObject, RecentMap, type ClusterPort, type Part, type Replacement } from '@stream-sessions/core/spi';
import { wordsOf } from '../errors.js';
import type { Running } from '../log/cluster-log.js';
import type { TableRow } from '../log/entry.js';
import { onClusterClock } from './denial-text.js';
import type { SharedDenials } from './shared-denials.js';

export interface ReplacedVisitsParts {
  readonly port: Pick<ClusterPort, 'keepOut' | 'lift' | 'part' | 'replace'>;
  /** Says something that stays in force. */
  readonly put: (running: Running) => Promise<unknown>;
  /** Lifts them, as all denials are lifted on all nodes. */
  readonly lifts: Pick<SharedDenials, 'liftUntil' | 'isLifted'>;
  /** The opening time of a visit that is not on this node; undefined: unknown. */
  readonly openedAtOf: (id: string) => number | undefined;
  /** How much the clock of the cluster is ahead of this one. */
  readonly clockOffsetMs: () => number;
  /** Epoch milliseconds by the clock of the cluster. */
  readonly now: () => number;
  readonly logger: Logger;
}

/** A log entry about a replaced visit. */
interface Word {
  readonly by: string;
  /** The visit, if it had begun by then. */
  readonly visit: string;
  readonly openedBy: number;
  /** Whom it keeps out, as far as the node that said so knew. */
  readonly record?: DenialRecord;
}

interface Kept extends Word {
  readonly until: number;
}

/** Denials that nobody ends expire after this long. Milliseconds. */
const KEEP_MS = 7 * 86_400_000;
/** How long it is remembered that one was lifted. A node that missed it for longer may say it again: see `ReplacedCheck`. */
const LIFTED_MS = 600_000;
const MAX_LATELY = 10_000;

/**
 * Replaced visits: they have ended on all nodes, and stay out while the visit that replaced them lasts. As with a kick, each node
 * with a part makes a denial, because each knows the viewer by other names. What could not be said is said when the table is next
 * read.
 */
export class ReplacedVisits {
  /** Denials, by the visit with which they end. */
  private readonly keptBy = new Map<string, Map<string, Kept>>();
  /** That visit, by the id of the denial. */
  private readonly byOf = new Map<string, string>();
  /** Recent entries about visits, by visit id: one may have been about to open here. */
  private readonly lately = new RecentMap<Word>({ max: MAX_LATELY });

  constructor(private readonly parts: ReplacedVisitsParts) {}

  /** The visits that keep somebody out. */
  get visits(): readonly string[] {
    return [...this.keptBy.keys()];
  }

  replaced({ by, id: visit, openedAt, record }: Replacement): void {
    const { now, openedAtOf, clockOffsetMs } = this.parts;
    const id = record?.id ?? randomUUID();
    if (this.byOf.has(id)) return this.inherit(visit, by);
    const openedBy = openedAt ?? openedAtOf(visit) ?? now();
    const shared = record && onClusterClock(record, clockOffsetMs());
    const kept: Kept = { by, visit, openedBy, until: now() + KEEP_MS, ...(shared && { record: shared }) };
    this.keep(id, kept);
    this.say(asRunning(id, by, kept));
  }

  /**
   * A part has opened whose visit may have been replaced by then: a viewer who came back since has begun a new visit, and stays.
   */
  endIfReplaced({ id, openedAt }: Pick<Part, 'id' | 'openedAt'>): boolean {
    const word = this.lately.get(id);
    return word !== undefined && openedAt <= word.openedBy && this.parts.port.replace(id, word.by);
  }

  /** It was lifted here. False: it is not one of these. */
  lifted(id: string): boolean {
    const { lifts, now } = this.parts;
    const wasKept = this.forget(id);
    if (wasKept) lifts.liftUntil(id, now() + LIFTED_MS);
    return wasKept;
  }

  /** A visit has ended: viewers kept out for it may come back, unless it was itself replaced. */
  ended(by: string, reason: string | undefined): void {
    if (reason === 'replaced') return;
    for (const id of [...(this.keptBy.get(by)?.keys() ?? [])]) {
      this.parts.port.lift(id);
      this.lifted(id);
    }
  }

  /** This node leaves the cluster. */
  liftAll(): void {
    for (const id of [...this.byOf.keys()]) {
      this.forget(id);
      this.parts.port.lift(id);
    }
  }

  /** Called for each log entry. False: it is not, or not only, about a replaced visit. */
  onSaid(body: string): boolean {
    const found = /^([RL])(\S+) ([^]*)$/.exec(body);
    if (found === null) return false;
    const [, what, id = '', rest = ''] = found;
    if (what === 'R' && !this.byOf.has(id) && !this.parts.lifts.isLifted(id)) {
      const kept = parseObject(rest);
      if (kept !== undefined) this.hear(id, kept as Kept);
      else this.parts.logger.warn({ id }, 'cluster: what another node said of a replaced visit is damaged.');
    }
    if (what === 'L') this.forget(id);
    return what === 'R';
  }

  /** True if a row of the table is about one of these, or lifts a denial that may be one. */
  static readonly concerns = ({ body }: TableRow): boolean => body.startsWith('R') || body.startsWith('L');

  /** Called with what all nodes know about these. Returns what is known only here. */
  onTable(rows: readonly TableRow[]): Running[] {
    const there = new Set<string>();
    // denials pass from one visit to the next in the order in which these were replaced
    for (const { body } of [...rows].sort((a, b) => a.n - b.n)) {
      there.add(body.slice(1, body.indexOf(' ')));
      this.onSaid(body);
    }
    return [...this.keptBy].flatMap(([by, denials]) =>
      [...denials].flatMap(([id, kept]) => (there.has(id) ? [] : [asRunning(id, by, kept)])),
    );
  }

  private hear(id: string, kept: Kept): void {
    const { port, logger } = this.parts;
    const { visit, record } = kept;
    this.keep(id, kept);
    try {
      if (record !== undefined) port.keepOut(record);
    } catch (error) {
      logger.warn({ error }, `cluster: a denial of another node cannot be taken: ${wordsOf(error)}`);
    }
    this.lately.set(visit, kept);
    const part = port.part(visit);
    if (part !== undefined) this.endIfReplaced(part);
  }

  private keep(id: string, kept: Kept): void {
    const { by, visit } = kept;
    this.inherit(visit, by);
    this.byOf.set(id, by);
    const denials = this.keptBy.get(by);
    if (denials === undefined) this.keptBy.set(by, new Map([[id, kept]]));
    else denials.set(id, kept);
  }

  /** Denials held by a visit that is itself replaced pass to its replacement. */
  private inherit(from: string, by: string): void {
    const denials = this.keptBy.get(from);
    if (denials === undefined || from === by) return;
    this.keptBy.delete(from);
    for (const id of denials.keys()) this.byOf.set(id, by);
    this.keptBy.set(by, new Map([...(this.keptBy.get(by) ?? []), ...denials]));
  }

  private forget(id: string): boolean {
    const by = this.byOf.get(id);
    if (by === undefined) return false;
    this.byOf.delete(id);
    const denials = this.keptBy.get(by);
    denials?.delete(id);
    if (denials?.size === 0) this.keptBy.delete(by);
    return true;
  }

  private say(running: Running): void {
    // it applies here, and is said at the next check of the table
    this.parts.put(running).catch(() => undefined);
  }
}

/** `by`: the visit that holds it by now. */
const asRunning = (id: string, by: string, kept: Kept): Running => ({
  id,
  until: kept.until,
  body: `R${id} ${JSON.stringify({ ...kept, by })}`,
});
