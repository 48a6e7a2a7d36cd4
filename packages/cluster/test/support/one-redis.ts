import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { closeClients, connect } from '../../../../test/support/redis-clients.js';
import { startRedis, type RedisServer } from '../../../../test/support/redis-server.js';
import { Cluster } from './members.js';
import { Nodes } from './nodes.js';
import { keysWithoutExpiry } from './redis-links.js';

/** A Redis for all tests of a file. */
export function oneRedis(argsFor?: Parameters<typeof startRedis>[0]): RedisServer {
  let started: RedisServer | undefined;
  const server = (): RedisServer => {
    if (started === undefined) throw new Error('Redis runs while tests run');
    return started;
  };
  beforeAll(async () => {
    started = await startRedis(argsFor);
  });
  afterAll(() => started?.stop());
  return {
    get port() {
      return server().port;
    },
    get folder() {
      return server().folder;
    },
    signal: (name) => server().signal(name),
    kill: () => server().kill(),
    restart: () => server().restart(),
    stop: () => server().stop(),
  };
}

/** Gives each test trackers that join a cluster of its own. When they have left, whatever Redis still has expires. */
export function nodesOn(redis: RedisServer, give: (nodes: Nodes) => void): void {
  eachOn(redis, () => new Nodes(redis.port), give);
}

/** What is between nodes: tests run for each. */
export const LINKS = ['Redis', 'a hub among workers'] as const;

/** As `nodesOn`, over either link. */
export function nodesOver(link: (typeof LINKS)[number], redis: RedisServer, give: (nodes: Nodes) => void): void {
  if (link === 'Redis') return nodesOn(redis, give);
  let nodes: Nodes;
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'stream-sessions-hub-'));
    give((nodes = new Nodes(folder)));
  });
  afterEach(async () => {
    await nodes.end();
    rmSync(folder, { recursive: true, force: true });
  });
}

/** The same with members of a cluster, which have no trackers. */
export function clusterOn(redis: RedisServer, give: (cluster: Cluster) => void): void {
  eachOn(redis, () => new Cluster(redis.port), give);
}

function eachOn<T extends Nodes | Cluster>(redis: RedisServer, make: () => T, give: (made: T) => void): void {
  let made: T;
  beforeEach(() => give((made = make())));
  afterEach(async () => {
    await made.end();
    const endless = await keysWithoutExpiry(await connect('redis', redis.port), '');
    closeClients();
    expect(endless).toEqual([]);
  });
}
