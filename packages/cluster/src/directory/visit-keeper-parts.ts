import type { Clock, PlaySession } from '@stream-sessions/core';
import type { ClusterPort } from '@stream-sessions/core/spi';
import type { Member } from '../member.js';
import type { VisitBook } from '../visits/visit-book.js';
import type { OperatorWords } from './operator-words.js';

/** What keeping the visits of a node takes. */
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
  /** A viewer has gone quiet here, and watches on at another node. */
  readonly onHandover: () => void;
}
