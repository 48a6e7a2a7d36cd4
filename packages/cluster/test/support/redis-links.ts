import { randomUUID } from 'node:crypto';
import { BUCKETS, redisLink, type ClusterLink } from '@stream-sessions/cluster';
import type { RunningLinks } from '@stream-sessions/cluster/testing';
import { closeClients, connect, type ClientKind, type OpenClient } from '../../../../test/support/redis-clients.js';

/** Of every key with this prefix that has no expiry. Tests may walk keys; the package may not. */
export async function keysWithoutExpiry({ ask }: Pick<OpenClient, 'ask'>, prefix: string): Promise<string[]> {
  const keys = (await ask('KEYS', `${prefix}*`)) as string[];
  const ttls = await Promise.all(keys.map((key) => ask('PTTL', key)));
  return keys.filter((_, i) => Number(ttls[i]) === -1);
}

/** A cluster on this server, with clients of this kind. */
export async function redisLinks(kind: ClientKind, port: number, protocol: 2 | 3): Promise<RunningLinks> {
  const prefix = `test-${randomUUID()}:`;
  const aside = await connect(kind, port, protocol);
  const open = async (): Promise<ClusterLink> =>
    redisLink((await connect(kind, port, protocol)).client, { prefix, commandTimeoutMs: 5_000 });
  return {
    open,
    openElsewhere: async () => redisLink((await connect(kind, port, protocol)).client, { prefix: `else-${prefix}` }),
    interrupt: () => aside.ask('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes'),
    withoutExpiry: () => keysWithoutExpiry(aside, prefix),
    stop: closeClients,
  };
}

/** Makes all buckets of a cluster old enough to know who has what. */
export async function growOld({ ask }: Pick<OpenClient, 'ask'>, prefix: string): Promise<void> {
  const lua = `local id = string.match(redis.call('GET', KEYS[1]), '^%S+') redis.call('SET', KEYS[1], id .. ' 1', 'KEEPTTL')`;
  await Promise.all(Array.from({ length: BUCKETS }, (_, n) => ask('EVAL', lua, '1', `${prefix}{${n}}:epoch`)));
}
