import type { SessionKind } from '@stream-sessions/core';
import type { Membership } from '../membership/membership.js';
import { readAbout } from './fields.js';
import { COUNTS, SHARDS, shardKey, SWEEP } from './visit-steps.js';

/** A visit that ended with the node that held the last part of it: all that is known. */
export interface Orphan {
  readonly id: string;
  readonly openedAt: number;
  readonly kind: SessionKind;
  readonly stream: string;
  readonly updatedAt: number;
  readonly bytes: number;
  readonly bytesReceived: number;
}

type Page = readonly [cursor: string, closed: readonly (readonly string[])[]];

/** Takes away what a dead node held, a slice at a time, so that Redis serves others meanwhile. */
export class VisitSweep {
  /** Where to go on, by bucket and dead incarnation. */
  private readonly at = new Map<string, { shard: number; cursor: string }>();

  constructor(
    private readonly membership: Membership,
    private readonly onOrphan: (orphan: Orphan) => void,
  ) {}

  /** True: there is more. */
  async slice(bucket: number, dead: string): Promise<boolean> {
    const key = `${bucket} ${dead}`;
    const { shard, cursor } = this.at.get(key) ?? { shard: 0, cursor: '0' };
    const reply = await this.membership.run(SWEEP, bucket, [COUNTS, shardKey(shard)], [dead, cursor]);
    const [next, closed] = reply as unknown as Page;
    for (const visit of closed) this.onOrphan(read(visit));
    const isShardOver = String(next) === '0';
    const isOver = isShardOver && shard + 1 === SHARDS;
    if (isOver) this.at.delete(key);
    else this.at.set(key, isShardOver ? { shard: shard + 1, cursor: '0' } : { shard, cursor: String(next) });
    return !isOver;
  }
}

function read([id = '', openedAt, about = '', updatedAt, bytes, received]: readonly string[]): Orphan {
  return {
    id: decodeURIComponent(id),
    openedAt: Number(openedAt),
    ...readAbout(about),
    updatedAt: Number(updatedAt),
    bytes: Number(bytes),
    bytesReceived: Number(received),
  };
}
