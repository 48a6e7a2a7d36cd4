import type { Clock, PlaySession } from '@stream-sessions/core';
import type { ClusterPort, Part } from '@stream-sessions/core/spi';
import type { Member } from '../member.js';
import type { VisitBook } from '../visits/visit-book.js';
import type { ClusterTime } from './cluster-time.js';
import type { OperatorWords } from './operator-words.js';

/** The parts that `VisitKeeper` works with. */
export interface VisitKeeperParts {
  readonly port: ClusterPort;
  readonly member: Member;
  readonly book: VisitBook;
  readonly clock: Clock;
  readonly time: ClusterTime;
  readonly words: OperatorWords;
  readonly whenAlone: 'local' | 'refuse';
  readonly timeLimitMs: number;
  /** A visit of this tracker, live or ended, as a list row. */
  readonly rowOf: (id: string) => PlaySession | undefined;
  /** A visit has begun by a step of this node. `told`: call it when all listeners have received that. */
  readonly onOpened: (row: PlaySession, told: () => void) => void;
  /** A visit has ended by a step of this node. `row`: the whole visit. */
  readonly onClosed: (row: PlaySession, told: () => void) => void;
  /** A viewer has gone quiet here, and is watching through another node. */
  readonly onHandover: () => void;
}

/** The part that has ended elsewhere, and why. */
export interface Ending {
  readonly id: string;
  readonly openedAt: number;
  readonly reason: string;
  readonly detail?: string | undefined;
}

/** A part as it ended. */
export interface EndedPart {
  readonly part: Part;
  readonly row: PlaySession;
}
