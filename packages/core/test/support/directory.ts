import type { DenialRecord, PlaySession, TrackerOptions } from '../../src/index.js';
import {
  clusterPort,
  type FoundVisit,
  type Part,
  type Replacement,
  type VisitDirectory,
  type VisitIdentity,
} from '../../src/spi.js';
import { setup, type Setup } from './make.js';

/** A cluster that says what the test tells it to, and remembers what it heard. */
export class Told implements VisitDirectory {
  isAlone = false;
  whenAlone: 'local' | 'refuse' = 'local';
  timeLimitMs = 250;
  readonly asked: VisitIdentity[] = [];
  readonly over: string[] = [];
  readonly changes: string[] = [];
  readonly parts: { part: Part; reason: string; isOver: boolean }[] = [];
  readonly denials: DenialRecord[] = [];
  readonly lifts: string[] = [];
  readonly replacements: Replacement[] = [];
  answer: (asked: VisitIdentity) => Promise<FoundVisit | undefined> = async ({ id }) => ({
    id,
    openedAt: 0,
    found: 'new',
    names: [],
  });

  find(asked: VisitIdentity): Promise<FoundVisit | undefined> {
    this.asked.push(asked);
    return this.answer(asked);
  }
  settled({ id }: FoundVisit): void {
    this.over.push(id);
  }
  changed(id: string): void {
    this.changes.push(id);
  }
  left(part: Part, row: PlaySession, isOver: boolean): void {
    this.parts.push({ part, reason: row.closeReason ?? '', isOver });
  }
  denied(record: DenialRecord): void {
    this.denials.push(record);
  }
  lifted(id: string): void {
    this.lifts.push(id);
  }
  replaced(replacement: Replacement): void {
    this.replacements.push(replacement);
  }
}

/** A tracker that has joined it. */
export interface Joined extends Setup {
  directory: Told;
}

export function joined(options: TrackerOptions = {}): Joined {
  const made = setup(options);
  const directory = new Told();
  clusterPort(made.tracker).join(directory);
  return { ...made, directory };
}
