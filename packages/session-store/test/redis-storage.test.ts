import { randomUUID } from 'node:crypto';
import { systemClock } from '@stream-sessions/core/spi';
import { redisStorage } from '@stream-sessions/session-store/redis';
import { storageContract } from '@stream-sessions/session-store/testing';
import { clientKinds, closeClients, connect, type OpenClient } from '../../../test/support/redis-clients.js';
import { startRedis, type RedisServer } from '../../../test/support/redis-server.js';

let server: RedisServer;
beforeAll(async () => {
  server = await startRedis();
});
afterAll(async () => {
  closeClients();
  await server.stop();
});

/** Brings the end of every key nearer: whatever would have expired meanwhile is gone, however busy the machine is. */
const ELAPSE = `
for _, key in ipairs(redis.call('KEYS', ARGV[1] .. '*')) do
  local left = redis.call('PTTL', key)
  if left > 0 then redis.call('PEXPIRE', key, left - tonumber(ARGV[2])) end
end`;

for (const kind of clientKinds) {
  // two nodes, one of which speaks the older protocol
  let nodes: Promise<[OpenClient, OpenClient]> | undefined;
  const connected = () => (nodes ??= Promise.all([connect(kind, server.port), connect(kind, server.port, 2)]));

  storageContract({
    name: `redisStorage() with a client of the package ${kind}`,
    ttlMs: 60_000,
    start: async () => {
      const keyPrefix = `test:${randomUUID()}:`;
      const [here, there] = await connected();
      let elapsed = 0;
      const now = () => Date.now() + elapsed;
      const options = { keyPrefix, commandTimeoutMs: 1_000, clock: { ...systemClock, now } };
      return {
        storage: redisStorage(here.client, options),
        other: redisStorage(there.client, options),
        now,
        elapse: async (ms) => {
          elapsed += ms;
          await here.ask('EVAL', ELAPSE, '0', keyPrefix, String(ms));
        },
        breakDown: () => server.kill(),
        recover: async () => {
          await server.restart();
          await Promise.all([here.ask('PING'), there.ask('PING')]);
        },
      };
    },
  });
}
