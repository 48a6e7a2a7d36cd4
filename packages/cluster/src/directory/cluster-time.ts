import type { Clock, PlaySession } from '@stream-sessions/core';
import type { Part } from '@stream-sessions/core/spi';

/** Clocks this close, in milliseconds, count as one: how far apart they are is only known to within the time of a question. */
const CLOSE_MS = 1_000;

type Times = Pick<PlaySession, 'openedAt' | 'updatedAt' | 'durationMs'> & Partial<Pick<PlaySession, 'closedAt'>>;

/**
 * Times of this node's tracker, as the cluster has them. Where the clock of this machine is wrong, the opening time of a session is the
 * cluster's, and all else is off.
 */
export class ClusterTime {
  /** @param offsetMs The clock of the cluster minus that of this process. */
  constructor(
    private readonly clock: Clock,
    private readonly offsetMs: () => number,
  ) {}

  now(): number {
    return this.clock.now() + this.errorMs;
  }

  part(part: Part): Part {
    const { errorMs } = this;
    return errorMs === 0 ? part : { ...part, updatedAt: part.updatedAt + errorMs };
  }

  row<T extends Times>(row: T): T {
    const { errorMs } = this;
    if (errorMs === 0) return row;
    const updatedAt = row.updatedAt + errorMs;
    const closedAt = row.closedAt === undefined ? undefined : row.closedAt + errorMs;
    const until = closedAt === undefined ? this.now() : updatedAt;
    const durationMs = Math.max(0, until - row.openedAt);
    return { ...row, updatedAt, durationMs, ...(closedAt !== undefined && { closedAt }) };
  }

  /** The way back, for the tracker. */
  ownRow(row: PlaySession): PlaySession {
    const { errorMs } = this;
    if (errorMs === 0) return row;
    const { updatedAt, closedAt } = row;
    return {
      ...row,
      updatedAt: updatedAt - errorMs,
      closedAt: closedAt === undefined ? undefined : closedAt - errorMs,
    };
  }

  private get errorMs(): number {
    const offset = this.offsetMs();
    return Math.abs(offset) > CLOSE_MS ? offset : 0;
  }
}
