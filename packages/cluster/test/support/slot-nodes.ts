import { createHash } from 'node:crypto';
import { systemClock } from '@stream-sessions/core/spi';
import { connect } from '../../../../test/support/redis-clients.js';
import { ClusterSlots } from '../../src/slots/cluster-slots.js';
import { type Cluster, LEASE_MS, type TestMember } from './members.js';
import { clusterOn, oneRedis } from './one-redis.js';
import { growOld } from './redis-links.js';

/** A node that has slots, and no tracker. */
export interface SlotNode extends TestMember {
  readonly slots: ClusterSlots;
  readonly ended: string[];
}

export const hash = (text: string): string => createHash('sha256').update(text).digest('base64url');

/** For the tests of a file: nodes of a cluster of each test's own, on one Redis. */
export function slotNodes() {
  let cluster: Cluster;
  const all: ClusterSlots[] = [];
  const redis = oneRedis();
  afterEach(() => {
    for (const slots of all.splice(0)) slots.stop();
  });
  clusterOn(redis, (made) => (cluster = made));

  /** @param isOpen whether the visits of its slots have opened */
  async function node(name: string, isOpen = () => true, openedAtOf?: (id: string) => number): Promise<SlotNode> {
    const made = await cluster.member(name, { onJoined: async () => void slots.claim() });
    const ended: string[] = [];
    const port = {
      hash,
      part: (id: string) => (isOpen() ? ({ id, openedAt: openedAtOf?.(id) ?? 1 } as never) : undefined),
      end: (id: string, _: number, reason: string) => ended.push(`${id} ${reason}`) > 0,
      replace: (id: string, by: string) => ended.push(`${id} for ${by}`) > 0,
    };
    const slots: ClusterSlots = new ClusterSlots({
      ...{ member: made.member, port, clock: systemClock, leaseMs: LEASE_MS, whenAlone: 'local' },
      openedAtOf: (id) => openedAtOf?.(id),
    });
    all.push(slots);
    await made.member.join();
    return { ...made, slots, ended };
  }

  return {
    redis,
    node,
    prefix: () => cluster.prefix,
    /** Buckets are old enough to know who has slots. */
    grown: async (): Promise<void> => growOld(await connect('redis', redis.port), cluster.prefix),
  };
}
