import { Redis } from 'ioredis';
import { createClient } from 'redis';
import type { RedisClient } from '@stream-sessions/core/spi';

/** A client as a user would make it, connected. */
export interface OpenClient {
  readonly client: RedisClient;
  /** Sends a command past the storage. */
  ask(...args: string[]): Promise<unknown>;
  close(): void;
}

export const clientKinds = ['redis', 'ioredis'] as const;
export type ClientKind = (typeof clientKinds)[number];

const open: OpenClient[] = [];

/** For `afterEach`. */
export function closeClients(): void {
  for (const { close } of open.splice(0)) close();
}

export async function connect(
  kind: ClientKind,
  port: number,
  protocol: 2 | 3 = 3,
  password?: string,
): Promise<OpenClient> {
  const opened = await (kind === 'redis' ? nodeRedis : ioredis)(port, protocol, password);
  open.push(opened);
  return opened;
}

async function nodeRedis(port: number, RESP: 2 | 3, password: string | undefined): Promise<OpenClient> {
  const socket = { host: '127.0.0.1', port, reconnectStrategy: 20 };
  const client = createClient({ RESP, socket, ...(password !== undefined && { password }) });
  client.on('error', () => undefined);
  await client.connect();
  return { client, ask: (...args) => client.sendCommand(args), close: () => client.destroy() };
}

async function ioredis(port: number, protocol: 2 | 3, password: string | undefined): Promise<OpenClient> {
  const options = { host: '127.0.0.1', port, protocol, retryStrategy: () => 20, lazyConnect: true };
  const client = new Redis({ ...options, ...(password !== undefined && { password }) });
  client.on('error', () => undefined);
  await client.connect();
  return {
    client,
    ask: (command, ...args) => client.call(command, ...args),
    close: () => client.disconnect(),
  };
}
