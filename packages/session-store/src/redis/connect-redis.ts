import { StreamSessionsError } from '@stream-sessions/core';
import type { Storage } from '../storage/storage.js';
import { redisSender } from '@stream-sessions/core/spi';
import { redisSettingsOf, type RedisConfig, type RedisSettings } from './config.js';
import { RedisConnection } from './connection.js';
import { failureOf, timedOut } from './failures.js';
import { ioredisClient, nodeRedisClient, type OwnClient } from './open-client.js';
import { RedisStorage } from './redis-storage.js';

/**
 * Connects to Redis or Valkey, sends a `PING`, and stores sessions there. Uses the npm package `redis`, otherwise `ioredis`: one
 * of them has to be installed. A lost connection is restored automatically, and `close()` (through `manager.stop()`) closes it.
 *
 * @throws StreamSessionsError ERR_BAD_OPTION, which names the field; ERR_REDIS_CLIENT_MISSING; ERR_STORE_UNAVAILABLE,
 *   ERR_STORE_DENIED or ERR_STORE_TIMEOUT if there is no reply
 * @example const storage = await connectRedis({ addr: '127.0.0.1:6379', keyPrefix: 'tv:session:' }); const manager =
 *   createManager({ storage });
 */
export function connectRedis(config: RedisConfig): Promise<Storage> {
  return connectWith(config, {
    redis: async (settings) => nodeRedisClient(await import('redis'), settings),
    ioredis: async (settings) => ioredisClient(await import('ioredis'), settings),
  });
}

type Open = (settings: RedisSettings) => Promise<OwnClient>;

/** The packages in the order in which they are tried, and the function that opens a client of each. */
export async function connectWith(config: RedisConfig, openers: Readonly<Record<string, Open>>): Promise<Storage> {
  const settings = redisSettingsOf(config);
  const own = await firstInstalled(openers, settings);
  const { client } = own;
  let lastError: unknown;
  client.on?.('error', (error) => (lastError = error));
  const connection = new RedisConnection(redisSender(client), settings.commandTimeoutMs, settings.clock);
  try {
    await within(settings, own.connect());
    await connection.ask(undefined, ['PING']);
  } catch (error) {
    await own.destroy();
    throw asFailure(error, lastError);
  }
  return new RedisStorage(connection, settings.keyPrefix, settings.ttlMs, settings.clock, () => own.destroy());
}

async function firstInstalled(openers: Readonly<Record<string, Open>>, settings: RedisSettings): Promise<OwnClient> {
  const causes: unknown[] = [];
  for (const [name, open] of Object.entries(openers)) {
    try {
      return await open(settings);
    } catch (error) {
      if (!isMissing(error, name)) throw error;
      causes.push(error);
    }
  }
  throw new StreamSessionsError(
    'ERR_REDIS_CLIENT_MISSING',
    `connectRedis() needs one of the npm packages ${Object.keys(openers).join(' and ')}, and none is installed: npm install redis`,
    { cause: causes[0] },
  );
}

function isMissing(error: unknown, name: string): boolean {
  const { code, message = '' } = error as { code?: unknown; message?: string };
  return String(code).endsWith('MODULE_NOT_FOUND') && message.includes(`'${name}'`);
}

function within({ dialTimeoutMs, clock }: RedisSettings, connected: Promise<unknown>): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const timer = clock.setTimeout(() => reject(timedOut('the connection', dialTimeoutMs)), dialTimeoutMs);
    connected.then(resolve, reject).finally(() => clock.clearTimeout(timer));
  });
}

/** A client may only say "closed", although it has told its listeners why. */
function asFailure(error: unknown, lastError: unknown): unknown {
  if (error instanceof StreamSessionsError) return error;
  const isVague = error instanceof Error && /closed|reconnect strategy/i.test(error.message);
  return failureOf(isVague ? (lastError ?? error) : error);
}
