import { badOption } from '../support/options.js';

/** A client that is told when its connection fails. Without a listener Node ends the process. */
interface Emitting {
  on?(event: 'error', listener: (error: unknown) => void): unknown;
  off?(event: 'error', listener: (error: unknown) => void): unknown;
}

/** `ioredis`: `new Redis()`, also for Sentinel, and `new Redis.Cluster()`, as far as it is used here. */
export interface IoredisClient extends Emitting {
  call(command: string, ...args: string[]): Promise<unknown>;
}

/** `redis`: `createClient()`, as far as it is used here. */
export interface NodeRedisClient extends Emitting {
  sendCommand(args: string[]): Promise<unknown>;
}

/** `redis`: `createSentinel()`, as far as it is used here. */
export interface NodeRedisSentinel extends Emitting {
  sendCommand(isReadonly: boolean | undefined, args: string[]): Promise<unknown>;
  getMasterNode(): unknown;
}

/** `redis`: `createCluster()`, as far as it is used here. */
export interface NodeRedisCluster extends Emitting {
  sendCommand(firstKey: string | undefined, isReadonly: boolean | undefined, args: string[]): Promise<unknown>;
  readonly masters: unknown;
}

/** Any other client: it sends a command to the node that has the key, if there is one, and gives the reply. */
export interface RedisCommands extends Emitting {
  send(key: string | undefined, args: string[]): Promise<unknown>;
}

/** A connected client of `redis` or `ioredis`, or an adapter for another one. */
export type RedisClient = IoredisClient | NodeRedisClient | NodeRedisSentinel | NodeRedisCluster | RedisCommands;

/** Sends a command to the node that has the key, if there is one, and gives the reply. */
export type RedisSend = (key: string | undefined, args: string[]) => Promise<unknown>;

/**
 * How a client sends a command. Reads go to masters, too: a replica may not have heard yet of what was written.
 *
 * @throws StreamSessionsError ERR_BAD_OPTION
 */
export function redisSender(client: RedisClient): RedisSend {
  if (typeof client !== 'object' || client === null) throw badClient(client);
  if ('send' in client && typeof client.send === 'function') return (key, args) => client.send(key, args);
  if ('call' in client && typeof client.call === 'function') {
    return (_key, [command = '', ...args]) => client.call(command, ...args);
  }
  if (!('sendCommand' in client) || typeof client.sendCommand !== 'function') throw badClient(client);
  if ('masters' in client) return (key, args) => client.sendCommand(key, false, args);
  if ('getMasterNode' in client) return (_key, args) => client.sendCommand(false, args);
  return (_key, args) => client.sendCommand(args);
}

const badClient = (client: unknown): Error =>
  badOption('client', 'a client of the npm package "redis" or "ioredis", or { send }', client);
