/**
 * A node of a cluster that tests kill, stop and mislead. `process.argv[2]` says as JSON how it joins; see `cluster-nodes.ts`. It
 * sends its port, then whatever its sink is told, and answers what it is asked. A token is `<user>-<device>`.
 */
import express from 'express';
import { Redis } from 'ioredis';
import { createClient, createCluster, createSentinel } from 'redis';
import { joinCluster, redisLink } from '@stream-sessions/cluster';
import { createTracker } from '@stream-sessions/core';
import { redisSender } from '@stream-sessions/core/spi';
import { trackPlayback } from '@stream-sessions/express-middleware';
import { concurrencyPolicy } from '@stream-sessions/policies';

const { via, name, prefix, commandTimeoutMs, idleTimeoutMs, max, ...joining } = JSON.parse(process.argv[2]);

async function connected() {
  const { port, clusterPorts, sentinels, password, sentinelPassword, kind } = via;
  if (kind === 'ioredis') return new Redis({ host: '127.0.0.1', port, retryStrategy: () => 50 });
  const client = sentinels
    ? createSentinel({
        name: 'main',
        sentinelRootNodes: sentinels,
        nodeClientOptions: { password },
        sentinelClientOptions: { password: sentinelPassword },
        scanInterval: 500,
      })
    : clusterPorts
      ? createCluster({ rootNodes: clusterPorts.map((each) => ({ url: `redis://127.0.0.1:${each}` })) })
      : createClient({ socket: { host: '127.0.0.1', port, reconnectStrategy: 50 } });
  client.on('error', () => undefined);
  await client.connect();
  return client;
}

/** When Redis answers with this, the process dies before it hears it. */
let fatal;
const client = await connected();
client.on('error', () => undefined);
const direct = redisSender(client);
const mortal = {
  duplicate: () => client.duplicate(),
  send: async (key, args) => {
    const reply = await direct(key, args);
    if (fatal && JSON.stringify(reply).includes(fatal)) process.kill(process.pid, 'SIGKILL');
    return reply;
  },
};

/** What it said to its log, the latest last. */
const warnings = [];
const warn = (_facts, text) => void warnings.push(text);
const logger = { debug: () => undefined, info: () => undefined, warn, error: warn };
const who = {
  name: 'who',
  stage: 'authorise',
  admit: ({ token }) => ({ allow: true, ...(token && { userId: token.split('-')[0] }) }),
};
let cluster;
const policies = max ? [who, concurrencyPolicy({ max, graceMs: 60_000, shared: () => cluster })] : [who];
const tracker = createTracker({ fingerprintKey: 'of this test', logger, policies, idleTimeoutMs });
cluster = await joinCluster(tracker, {
  via: redisLink(mortal, { prefix, commandTimeoutMs }),
  name,
  logger,
  ...joining,
});
cluster.addSink({
  name: 'test',
  write: (batch) => new Promise((resolve) => process.send({ told: batch }, () => resolve())),
});

const asks = {
  list: async () =>
    (await cluster.list({ status: 'active' })).map(({ id, openedAt, stream, userId, nodes }) => ({
      id,
      openedAt,
      stream,
      userId,
      nodes,
    })),
  count: () => cluster.count({ status: 'active' }),
  /** What this node has of it by itself. */
  parts: () => tracker.list({ status: 'active' }).map(({ id, openedAt }) => ({ id, openedAt })),
  nodes: () => cluster.nodes().map((node) => node.name),
  health: () => cluster.health,
  warnings: () => warnings,
  deny: (target, options) => cluster.deny(target, options).then(() => true),
  denials: async () => (await cluster.denials()).length,
  kickAll: () => cluster.kickAll({ kind: 'viewer' }, { denyForMs: 0 }),
  dieOf: (words) => ((fatal = words), true),
};
process.on('message', ({ id, what, args }) => {
  const answered = (answer) => process.send({ id, ...answer });
  Promise.resolve()
    .then(() => asks[what](...args))
    .then(
      (answer) => answered({ answer }),
      (error) => answered({ error: String(error) }),
    );
});

const app = express();
app.set('trust proxy', 'loopback');
app.use('/live', trackPlayback(tracker), (_req, res) => res.end('#EXTM3U\n'));
const server = app.listen(0, '127.0.0.1', () => process.send({ port: server.address().port }));
// Its tests keep connections open while it stands still.
server.keepAliveTimeout = 60_000;
