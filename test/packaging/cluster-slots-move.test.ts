import { closeClients, connect, type OpenClient } from '../support/redis-clients.js';
import { startCluster } from '../support/topologies.js';
import { Load } from './support/cluster-load.js';
import { ClusterNodes } from './support/cluster-nodes.js';

const USERS = 30;
/** Buckets of the cluster; the first has the log and what nodes ask each other. */
const MOVED = [0, 3, 7, 11];

let redis: Awaited<ReturnType<typeof startCluster>>;
let masters: OpenClient[];
let nodes: ClusterNodes;
let load: Load | undefined;
beforeEach(async () => {
  nodes = new ClusterNodes();
  redis = await startCluster();
  masters = await Promise.all(redis.ports.map((port) => connect('redis', port)));
});
afterEach(async () => {
  await load?.stop();
  await nodes.end();
  closeClients();
  await redis.stop();
});

/** Moves a slot to the next master, a few keys at a time, so that steps find some of theirs here and some there. */
async function move(slot: string, meanwhile: () => Promise<void>): Promise<void> {
  const ranges = (await masters[0]?.ask('CLUSTER', 'SLOTS')) as [from: number, to: number, [string, number]][];
  const owner = ranges.find(([from, to]) => from <= Number(slot) && Number(slot) <= to)?.[2][1] ?? 0;
  const from = redis.ports.indexOf(owner);
  const to = (from + 1) % redis.ports.length;
  const [source, target] = [masters[from] as OpenClient, masters[to] as OpenClient];
  const [sourceId, targetId] = (await Promise.all([source, target].map(({ ask }) => ask('CLUSTER', 'MYID')))) as [
    string,
    string,
  ];
  await target.ask('CLUSTER', 'SETSLOT', slot, 'IMPORTING', sourceId);
  await source.ask('CLUSTER', 'SETSLOT', slot, 'MIGRATING', targetId);
  for (;;) {
    const keys = (await source.ask('CLUSTER', 'GETKEYSINSLOT', slot, '2')) as string[];
    if (keys.length === 0) break;
    await source.ask('MIGRATE', '127.0.0.1', String(redis.ports[to]), '', '0', '5000', 'KEYS', ...keys);
    await meanwhile();
  }
  for (const { ask } of [target, source, ...masters]) await ask('CLUSTER', 'SETSLOT', slot, 'NODE', targetId);
}

it('each visit is reported once while slots of a Redis Cluster move under load', async () => {
  const via = { clusterPorts: redis.ports };
  const options = { leaseMs: 5_000, idleTimeoutMs: 4_000 };
  await Promise.all([nodes.start(via, options), nodes.start(via, options), nodes.start(via, options)]);
  await nodes.allSeen();
  const viewers = (load = new Load(nodes, { users: USERS, devices: 1, everyMs: 150 }));
  await viewers.goesOn();
  for (const bucket of MOVED) {
    const slot = String(await masters[0]?.ask('CLUSTER', 'KEYSLOT', `${nodes.prefix}{${bucket}}:leases`));
    await move(slot, () => viewers.goesOn(10));
    expect(await nodes.all[bucket % 3]?.ask('deny', { user: `eve${bucket}` })).toBe(true);
  }
  await viewers.goesOn();
  await nodes.settled(USERS, masters);
  for (const node of nodes.all) expect(await node.ask('denials')).toBe(MOVED.length);
  await viewers.stop();
  await nodes.settled(0, masters);
});
