import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { until } from './until.js';
import { startRedis, type RedisServer } from './redis-server.js';

const cli = (port: number, ...args: string[]): string => {
  const { stdout, stderr, status } = spawnSync('redis-cli', ['-p', String(port), '--no-auth-warning', ...args], {
    encoding: 'utf8',
  });
  if (status !== 0) throw new Error(`redis-cli ${args.join(' ')}: ${stdout}${stderr}`);
  return stdout.trim();
};

/** A master with one replica, and three Sentinels that want credentials of their own. */
export interface SentinelTrio {
  readonly sentinelAddrs: string[];
  readonly sentinels: { host: string; port: number }[];
  readonly master: RedisServer;
  /** The master after a failover. */
  readonly replica: RedisServer;
  /** The replica hears nothing more: what is written from now on is lost with the master. */
  detach(): Promise<void>;
  /** Another server is the master by the time this resolves. */
  failOver(): Promise<void>;
  stop(): Promise<void>;
}

export const REDIS_PASSWORD = 'redis-secret';
export const SENTINEL_PASSWORD = 'sentinel-secret';

export async function startSentinels(): Promise<SentinelTrio> {
  const secured = ['--requirepass', REDIS_PASSWORD, '--masterauth', REDIS_PASSWORD];
  const master = await startRedis(() => secured);
  const replica = await startRedis(() => [...secured, '--replicaof', '127.0.0.1', String(master.port)]);
  // Sentinels ask for replicas once in ten seconds: it has to be there before the first time
  await until(
    'the replica is in step',
    () => cli(replica.port, '-a', REDIS_PASSWORD, 'INFO', 'replication').includes('master_link_status:up'),
    15_000,
  );
  const sentinels = await Promise.all([1, 2, 3].map(() => startSentinel(master.port)));
  const ask = (...args: string[]) => cli(sentinels[0]?.port ?? 0, '-a', SENTINEL_PASSWORD, 'SENTINEL', ...args);
  await until(
    'the Sentinels know each other and the replica',
    () => {
      const known = ask('MASTER', 'main').split('\n');
      const value = (name: string) => known[known.indexOf(name) + 1];
      return value('num-other-sentinels') === '2' && value('num-slaves') === '1';
    },
    15_000,
  );
  let isDetached = false;
  return {
    master,
    replica,
    detach: async () => {
      isDetached = true;
      cli(replica.port, '-a', REDIS_PASSWORD, 'CONFIG', 'SET', 'masterauth', 'another');
      cli(master.port, '-a', REDIS_PASSWORD, 'CLIENT', 'KILL', 'TYPE', 'replica');
      await until('the replica hears nothing', () =>
        cli(replica.port, '-a', REDIS_PASSWORD, 'INFO', 'replication').includes('master_link_status:down'),
      );
    },
    sentinels: sentinels.map(({ port }) => ({ host: '127.0.0.1', port })),
    sentinelAddrs: sentinels.map(({ port }) => `127.0.0.1:${port}`),
    failOver: async () => {
      const before = ask('GET-MASTER-ADDR-BY-NAME', 'main');
      // replicas follow in their own time: what they have not heard of is lost with the master
      const input = 'SET in-step yes\nWAIT 1 5000\n';
      const port = before.split('\n')[1] ?? '';
      if (!isDetached) spawnSync('redis-cli', ['-p', port, '--no-auth-warning', '-a', REDIS_PASSWORD], { input });
      await until('a failover begins', () => ask('FAILOVER', 'main').startsWith('OK'), 15_000);
      await until('there is another master', () => ask('GET-MASTER-ADDR-BY-NAME', 'main') !== before, 15_000);
    },
    stop: async () => {
      for (const server of [...sentinels, master, replica]) await server.stop();
    },
  };
}

function startSentinel(masterPort: number): Promise<RedisServer> {
  return startRedis((folder, port) => {
    const config = [
      `port ${port}`,
      'bind 127.0.0.1',
      `requirepass ${SENTINEL_PASSWORD}`,
      `sentinel sentinel-pass ${SENTINEL_PASSWORD}`,
      `sentinel monitor main 127.0.0.1 ${masterPort} 2`,
      `sentinel auth-pass main ${REDIS_PASSWORD}`,
      // a master that a busy machine lets wait is not dead: tests ask for the failover
      'sentinel down-after-milliseconds main 5000',
      'sentinel failover-timeout main 2000',
    ];
    writeFileSync(join(folder, 'sentinel.conf'), `${config.join('\n')}\n`);
    return ['sentinel.conf', '--sentinel'];
  });
}

/** Three masters without replicas, which share the slots. */
export async function startCluster(): Promise<{ ports: number[]; stop(): Promise<void> }> {
  const servers: RedisServer[] = [];
  for (let n = 0; n < 3; n++) {
    servers.push(
      await startRedis((_, port) => [
        '--cluster-enabled',
        'yes',
        '--cluster-port',
        String(port > 50_000 ? port - 10_000 : port + 10_000),
      ]),
    );
  }
  const addresses = servers.map(({ port }) => `127.0.0.1:${port}`);
  cli(servers[0]?.port ?? 0, '--cluster', 'create', ...addresses, '--cluster-yes');
  for (const { port } of servers)
    await until('the cluster is whole', () => cli(port, 'CLUSTER', 'INFO').includes('cluster_state:ok'), 15_000);
  return {
    ports: servers.map(({ port }) => port),
    stop: async () => {
      for (const server of servers) await server.stop();
    },
  };
}
