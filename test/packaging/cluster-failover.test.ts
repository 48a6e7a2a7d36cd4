import { closeClients, connect } from '../support/redis-clients.js';
import { REDIS_PASSWORD, SENTINEL_PASSWORD, startSentinels, type SentinelTrio } from '../support/topologies.js';
import { until } from '../support/until.js';
import { Load } from './support/cluster-load.js';
import { ClusterNodes, viewer } from './support/cluster-nodes.js';

const USERS = 20;
const LATE = 5;

let trio: SentinelTrio;
let nodes: ClusterNodes;
let load: Load | undefined;
beforeEach(async () => {
  nodes = new ClusterNodes();
  trio = await startSentinels();
});
afterEach(async () => {
  await load?.stop();
  await nodes.end();
  closeClients();
  await trio.stop();
});

it('each visit is reported once, and denials stay, if a Sentinel failover loses the latest writes', async () => {
  const via = { sentinels: trio.sentinels, password: REDIS_PASSWORD, sentinelPassword: SENTINEL_PASSWORD };
  const options = { leaseMs: 5_000, idleTimeoutMs: 4_000 };
  const [a, b] = await Promise.all([nodes.start(via, options), nodes.start(via, options), nodes.start(via, options)]);
  await nodes.allSeen();
  const viewers = (load = new Load(nodes, { users: USERS, devices: 1, everyMs: 150 }));
  await viewers.goesOn();
  await nodes.settled(USERS, []);
  await trio.detach();
  for (let n = 0; n < LATE; n++) viewers.join(viewer('late', 1_000 + n));
  await a.ask('deny', { user: 'eve' });
  await until('they are reported', () => nodes.live().length === USERS + LATE);
  await trio.failOver();
  await until('what was said is back', async () => (await b.play(viewer('eve', 1))) === 403);
  await viewers.goesOn(200);
  const master = await connect('redis', trio.replica.port, 3, REDIS_PASSWORD);
  await nodes.settled(USERS + LATE, [master], true);
  await viewers.stop();
  await nodes.settled(0, [master], true);
});
