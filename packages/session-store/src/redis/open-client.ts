import type * as Ioredis from 'ioredis';
import type * as Redis from 'redis';
import type { RedisClient } from '@stream-sessions/core/spi';
import type { RedisSettings } from './config.js';

/** A client of our own, not connected yet. */
export interface OwnClient {
  readonly client: RedisClient;
  connect(): Promise<unknown>;
  /** Closes it at once. Safe at any time. */
  destroy(): unknown;
}

/** The longest pause between two reconnection attempts. Milliseconds. */
const LONGEST_PAUSE_MS = 1_000;
const pauseMs = (attempts: number): number => Math.min(20 * 2 ** Math.min(attempts, 10), LONGEST_PAUSE_MS);

/** The most commands that a client queues while it is not connected, in sending order. */
const LONGEST_QUEUE = 10_000;

/** A client of the package `redis`. Its types are used only inside, because users of the other package do not have them. */
export function nodeRedisClient(redis: unknown, settings: RedisSettings): OwnClient {
  const { createClient, createSentinel } = redis as typeof Redis;
  const { address, sentinel, username, password, db, tls, dialTimeoutMs } = settings;
  const credentials = { ...(username && { username }), ...(password && { password }) };
  let wasConnected = false;
  // whoever starts the process wants to know about the first failure; later it reconnects automatically
  const reconnectStrategy = (attempts: number): number | false => (wasConnected ? pauseMs(attempts) : false);
  const socket = { connectTimeout: dialTimeoutMs, ...(tls === undefined ? {} : { tls: true as const, ...tls }) };
  const connecting = async (connect: () => Promise<unknown>): Promise<void> => {
    await connect();
    wasConnected = true;
  };
  if (sentinel !== undefined) {
    const client = createSentinel({
      name: sentinel.masterName,
      sentinelRootNodes: [...sentinel.addresses],
      nodeClientOptions: { ...credentials, database: db, socket, commandsQueueMaxLength: LONGEST_QUEUE },
      sentinelClientOptions: {
        ...(sentinel.username && { username: sentinel.username }),
        ...(sentinel.password && { password: sentinel.password }),
        socket,
      },
      scanInterval: 1_000,
    });
    return { client, connect: () => connecting(() => client.connect()), destroy: () => client.destroy() };
  }
  const client = createClient({
    ...credentials,
    database: db,
    socket: { ...address, ...socket, reconnectStrategy },
    commandsQueueMaxLength: LONGEST_QUEUE,
  });
  return {
    client,
    connect: () => connecting(() => client.connect()),
    destroy: () => (client.isOpen ? client.destroy() : undefined),
  };
}

/** A client of the package `ioredis`. */
export function ioredisClient(ioredis: unknown, settings: RedisSettings): OwnClient {
  const module = ioredis as typeof Ioredis;
  const { address, sentinel, username, password, db, tls, dialTimeoutMs } = settings;
  let wasConnected = false;
  const retryStrategy = (attempts: number): number | null => (wasConnected ? pauseMs(attempts) : null);
  const client = new module.Redis({
    lazyConnect: true,
    connectTimeout: dialTimeoutMs,
    db,
    retryStrategy,
    // a server that became a replica stays one: its replacement answers at the same address
    reconnectOnError: (error) => error.message.includes('READONLY'),
    ...(username && { username }),
    ...(password && { password }),
    ...(tls && { tls: { ...tls } }),
    ...address,
    ...(sentinel && {
      name: sentinel.masterName,
      sentinels: sentinel.addresses.map(({ host, port }) => ({ host, port })),
      sentinelRetryStrategy: retryStrategy,
      sentinelCommandTimeout: dialTimeoutMs,
      failoverDetector: true,
      ...(sentinel.username && { sentinelUsername: sentinel.username }),
      ...(sentinel.password && { sentinelPassword: sentinel.password }),
      ...(tls && { enableTLSForSentinelMode: true, sentinelTLS: { ...tls } }),
    }),
  });
  return {
    client,
    connect: async () => {
      await client.connect();
      wasConnected = true;
    },
    destroy: () => client.disconnect(),
  };
}
