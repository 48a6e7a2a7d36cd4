import type { Policy } from '@stream-sessions/core';
import { concurrencyPolicy, type ConcurrencyOptions } from '@stream-sessions/policies';
import { connect } from '../../../../test/support/redis-clients.js';
import { until } from '../../../../test/support/until.js';
import type { ClusterDirectory, ClusterLink } from '../../src/index.js';
import type { Node, Nodes } from './nodes.js';
import { growOld } from './redis-links.js';

export interface LimitedOptions extends Partial<ConcurrencyOptions> {
  /** Policies that are asked afterwards. */
  readonly later?: readonly Policy[];
  /** What stands between the node and its link. */
  readonly wrap?: (link: ClusterLink) => ClusterLink;
}

/** A node on which a user may watch twice at a time. Tokens are "user-device". */
export async function limitedNode(nodes: Nodes, { later = [], wrap, ...options }: LimitedOptions = {}): Promise<Node> {
  const joined: { cluster?: ClusterDirectory } = {};
  const authorise: Policy = {
    name: 'who',
    stage: 'authorise',
    admit: ({ token = '' }) => ({ allow: true, userId: token.split('-')[0] ?? '' }),
  };
  const policy = concurrencyPolicy({ max: 2, ...options, shared: () => joined.cluster });
  const node = await nodes.add({ policies: [authorise, policy, ...later] }, { leaseMs: 1_500 }, wrap);
  joined.cluster = node.directory;
  return node;
}

/** Until slots are given out: a cluster that has just begun does not know who has them. `redis`: its port; undefined: a hub. */
export async function slotsAreGivenOut(nodes: Nodes, redis: number | undefined): Promise<void> {
  if (redis !== undefined) return growOld(await connect('redis', redis), nodes.prefix);
  const limit = { max: 9, graceMs: 1 };
  const { slots } = (nodes.all[0] as Node).directory;
  for (let n = 0; n < 40; n++) {
    const take = async () => (await slots.take(`somebody ${n}`, 'x', limit)) !== undefined;
    await until('slots are given out', take);
    slots.give(`somebody ${n}`, 'x');
  }
}
