import type { DenialRecord, Logger } from '@stream-sessions/core';
import { parseObject, type ClusterPort, type Replacement } from '@stream-sessions/core/spi';
import type { Running } from '../log/cluster-log.js';
import type { TableRow } from '../log/entry.js';
import type { Member } from '../member.js';
import { Sayings } from '../operator/sayings.js';
import { ReplacedVisits } from '../operator/replaced-visits.js';
import { SharedDenials } from '../operator/shared-denials.js';

/** A visit that has ended on all nodes. */
interface Ending {
  readonly id: string;
  readonly openedAt: number;
}

/**
 * What applies on every node, through the log: denials, lifts, ends of visits, and replaced visits. Its times are those of the
 * cluster.
 */
export class OperatorWords {
  readonly visitsReplaced: ReplacedVisits;
  private readonly denials: SharedDenials;
  private readonly sayings: Sayings;

  constructor(
    private readonly member: () => Member,
    port: ClusterPort,
    logger: Logger,
    private readonly onEnd: (ending: never) => void,
    openedAtOf: (id: string) => number | undefined,
  ) {
    this.sayings = new Sayings(logger);
    const shared = {
      ...{ port, logger },
      put: (running: Running) => this.sayings.say(running.id, () => member().log.put(running)),
      clockOffsetMs: () => member().membership.nodes.clockOffsetMs,
      now: () => member().membership.nodes.now(),
    };
    this.denials = new SharedDenials(shared);
    this.visitsReplaced = new ReplacedVisits({ ...shared, lifts: this.denials, openedAtOf });
  }

  deny(record: DenialRecord): Promise<number | undefined> {
    this.denials.denied(record);
    return this.sayings.said();
  }

  lift(id: string): Promise<number | undefined> {
    if (!this.visitsReplaced.lifted(id)) this.denials.lifted(id);
    return this.sayings.said();
  }

  replaced(replacement: Replacement): void {
    this.visitsReplaced.replaced(replacement);
  }

  end(ending: Ending): Promise<number | undefined> {
    return this.sayings.say(ending.id, () => this.member().log.say(`E${JSON.stringify(ending)}`));
  }

  /** See `Sayings.said`. */
  said(): Promise<number | undefined> {
    return this.sayings.said();
  }

  heard(body: string): void {
    if (this.visitsReplaced.onSaid(body) || this.denials.onSaid(body)) return;
    const ending = body.startsWith('E') ? parseObject(body.slice(1)) : undefined;
    if (ending !== undefined) this.onEnd(ending as never);
  }

  /** Everything in force; returns what was said here and is missing there. */
  async table(portions: AsyncIterable<readonly TableRow[]>): Promise<readonly Running[]> {
    const aboutReplaced: TableRow[] = [];
    async function* noted(): AsyncGenerator<readonly TableRow[], void> {
      for await (const rows of portions) {
        aboutReplaced.push(...rows.filter(ReplacedVisits.concerns));
        yield rows;
      }
    }
    const denials = await this.denials.onTable(noted());
    return [...denials, ...this.visitsReplaced.onTable(aboutReplaced)];
  }
}
