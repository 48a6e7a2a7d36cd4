import { badOption } from '../support/options.js';

/** A client that emits an event when its connection fails. Without a listener, that event ends the process. */
interface Emitting {
  on?(event: 'error', listener: (error: unknown) => void): unknown;
  off?(event: 'error', listener: (error: unknown) => void): unknown;
}

/** The part of `ioredis` that is used here: `new Redis()`, also for Sentinel, and `new Redis.Cluster()`. */
export interface IoredisClient extends Emitting {
  call(command: string, ...args: string[]): Promise<unknown>;
}

/** The part of `redis` that is used here: `createClient()`. */
export interface NodeRedisClient extends Emitting {
  sendCommand(args: string[]): Promise<unknown>;
}

/** The part of `redis` that is used here: `createSentinel()`. */
export interface NodeRedisSentinel extends Emitting {
  sendCommand(isReadonly: boolean | undefined, args: string[]): Promise<unknown>;
  getMasterNode(): unknown;
}

/** The part of `redis` that is used here: `createCluster()`. */
export interface NodeRedisCluster extends Emitting {
  sendCommand(firstKey: string | undefined, isReadonly: boolean | undefined, args: string[]): Promise<unknown>;
  readonly masters: unknown;
}

/** Any other client: sends a command to the node that holds the key, if one is given, and returns the reply. */
export interface RedisCommands extends Emitting {
  send(key: string | undefined, args: string[]): Promise<unknown>;
}

/** A connected client of `redis` or `ioredis`, or an adapter for another one. */
export type RedisClient = IoredisClient | NodeRedisClient | NodeRedisSentinel | NodeRedisCluster | RedisCommands;

/** Sends a command to the node that holds the key, if one is given, and returns the reply. */
export type RedisSend = (key: string | undefined, args: string[]) => Promise<unknown>;

/**
 * Makes the function that sends a command over this client. Reads go to masters, too, because a replica may lag behind.
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
