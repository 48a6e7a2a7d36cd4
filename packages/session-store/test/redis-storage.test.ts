import { randomUUID } from 'node:crypto';
import { redisStorage } from '@stream-sessions/session-store/redis';
import { storageContract } from '@stream-sessions/session-store/testing';
import { clientKinds, closeClients, connect, type OpenClient } from '../../../test/support/redis-clients.js';
import { startRedis, type RedisServer } from '../../../test/support/redis-server.js';
import { pace } from '../../../test/support/until.js';

let server: RedisServer;
beforeAll(async () => {
  server = await startRedis();
});
afterAll(async () => {
  closeClients();
  await server.stop();
});

for (const kind of clientKinds) {
  // two nodes, one of which speaks the older protocol
  let nodes: Promise<[OpenClient, OpenClient]> | undefined;
  const connected = () => (nodes ??= Promise.all([connect(kind, server.port), connect(kind, server.port, 2)]));

  storageContract({
    name: `redisStorage() with a client of the package ${kind}`,
    ttlMs: 800,
    start: async () => {
      const keyPrefix = `test:${randomUUID()}:`;
      const [here, there] = await connected();
      return {
        storage: redisStorage(here.client, { keyPrefix, commandTimeoutMs: 1_000 }),
        other: redisStorage(there.client, { keyPrefix, commandTimeoutMs: 1_000 }),
        elapse: (ms) => pace(ms),
        breakDown: () => server.kill(),
        recover: async () => {
          await server.restart();
          await Promise.all([here.ask('PING'), there.ask('PING')]);
        },
      };
    },
  });
}
