import type { DenialRecord, Logger, SessionTracker } from '@stream-sessions/core';
import { RecentMap, type ClusterPort } from '@stream-sessions/core/spi';
import { wordsOf } from '../errors.js';
import type { Running } from '../log/cluster-log.js';
import type { Member } from '../member.js';

/** What the operator says is written so many milliseconds as it takes to be heard. */
interface Ending {
  readonly id: string;
  readonly openedAt: number;
}

/** The operator's word on every node: denials and their ends, in the log; times there are those of the cluster. */
export class OperatorWords {
  private saying: Promise<number | undefined> = Promise.resolve(undefined);
  /** Denials that were made here: they come back by the log. */
  private readonly own = new RecentMap<true>({ max: 4_096 });

  constructor(
    private readonly member: () => Member,
    private readonly tracker: SessionTracker,
    private readonly port: ClusterPort,
    private readonly logger: Logger,
    private readonly onEnd: (ending: never) => void,
  ) {}

  deny(record: DenialRecord): Promise<number | undefined> {
    this.own.set(record.id, true);
    return this.say(() => this.member().log.put(this.running(record)));
  }

  lift(id: string): Promise<number | undefined> {
    return this.say(() => this.member().log.put({ id, until: Math.ceil(this.clusterNow()) + 1, body: `L${id}` }));
  }

  end(ending: Ending): Promise<number | undefined> {
    return this.say(() => this.member().log.say(`E${JSON.stringify(ending)}`));
  }

  /** Resolves when all that was said is in the log, to the number of the last; undefined: it could not be said. */
  said(): Promise<number | undefined> {
    return this.saying;
  }

  heard(body: string): void {
    const rest = body.slice(1);
    if (body.startsWith('D')) this.take([rest]);
    else if (body.startsWith('L')) this.port.lift(rest);
    else if (body.startsWith('E')) this.onEnd(JSON.parse(rest) as never);
  }

  /** All that runs; returns what was said here and is not there. */
  table(bodies: readonly string[]): readonly Running[] {
    const ids = new Set<string>();
    for (const body of bodies) {
      if (body.startsWith('L')) {
        ids.add(body.slice(1));
        this.port.lift(body.slice(1));
      }
    }
    const denials = bodies.filter((body) => body.startsWith('D')).map((body) => body.slice(1));
    for (const id of this.take(denials)) ids.add(id);
    const here = this.tracker.exportDenials().filter(({ by }) => by !== 'policy');
    return here.filter(({ id }) => !ids.has(id)).map((record) => this.running(record));
  }

  private say(work: () => Promise<number>): Promise<number | undefined> {
    const said = this.saying.then(work).catch((error: unknown) => {
      this.logger.warn({ error }, `cluster: the other nodes have not heard of a denial yet: ${wordsOf(error)}.`);
      return undefined;
    });
    return (this.saying = said);
  }

  /** The ids of all that are there. What was made here is known as it is. */
  private take(texts: readonly string[]): string[] {
    const shift = this.member().membership.nodes.clockOffsetMs;
    const records = texts.map((text) => JSON.parse(text) as DenialRecord);
    const others = records.filter(({ id }) => this.own.get(id) === undefined);
    try {
      this.port.take(others.map((record) => shifted(record, -shift)));
    } catch (error) {
      this.logger.error({ error }, 'cluster: a denial of another node cannot be read');
    }
    return records.map(({ id }) => id);
  }

  private running(record: DenialRecord): Running {
    const there = shifted(record, this.member().membership.nodes.clockOffsetMs);
    return { id: record.id, until: there.until, body: `D${JSON.stringify(there)}` };
  }

  private clusterNow(): number {
    return this.member().membership.nodes.now();
  }
}

const shifted = (record: DenialRecord, ms: number): DenialRecord => ({
  ...record,
  since: record.since + ms,
  until: record.until + ms,
});
