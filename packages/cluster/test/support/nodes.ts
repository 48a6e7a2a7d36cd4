import { randomUUID } from 'node:crypto';
import { stays, until } from '../../../../test/support/until.js';
import {
  createTracker,
  type Admission,
  type HttpHit,
  type Logger,
  type PendingAdmission,
  type PlaySession,
  type RequestHandle,
  type SessionTracker,
  type TrackerOptions,
} from '@stream-sessions/core';
import { closeClients, connect } from '../../../../test/support/redis-clients.js';
import {
  joinCluster,
  redisLink,
  workerLink,
  type ClusterDirectory,
  type ClusterLink,
  type ClusterOptions,
} from '../../src/index.js';
import { WorkerLink } from '../../src/worker/worker-link.js';

export const SILENT: Logger = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
};

/** A tracker in the cluster. */
export interface Node {
  readonly tracker: SessionTracker;
  readonly directory: ClusterDirectory;
  readonly link: ClusterLink;
  readonly opened: PlaySession[];
  readonly closed: PlaySession[];
  /** As a crash would: nobody is told. */
  crash(): Promise<void>;
}

/** Trackers that have joined one cluster, all in this process. */
export class Nodes {
  readonly prefix = `test-${randomUUID()}:`;
  readonly all: Node[] = [];

  /** @param via the port of a Redis, or the folder of a hub */
  constructor(private readonly via: number | string) {}

  /** @param wrap what stands between the node and its link */
  async add(
    options: TrackerOptions = {},
    over: Partial<ClusterOptions> = {},
    wrap: (link: ClusterLink) => ClusterLink = (link) => link,
  ): Promise<Node> {
    const own = await this.link();
    const link = wrap(own);
    const tracker = createTracker({ fingerprintKey: 'of the test', logger: SILENT, ...options });
    // Generous: whether it is waited long enough is another test.
    const settings = { timeLimitMs: 5_000, leaseMs: 2_000, logger: SILENT, name: `node-${this.all.length + 1}` };
    const directory = await joinCluster(tracker, { via: link, ...settings, ...over });
    const opened: PlaySession[] = [];
    const closed: PlaySession[] = [];
    directory.on('opened', ({ session }) => void opened.push(session));
    directory.on('closed', ({ session }) => void closed.push(session));
    const crash = async (): Promise<void> => {
      const at = this.all.indexOf(node);
      if (at >= 0) this.all.splice(at, 1);
      if (own instanceof WorkerLink) own.hub?.close();
      await link.close();
      await directory.leave();
    };
    const node: Node = { tracker, directory, link, opened, closed, crash };
    this.all.push(node);
    return node;
  }

  /** Each knows of each. */
  async allSeen(): Promise<void> {
    for (const { directory } of this.all) {
      await until('all nodes are seen', () => directory.nodes().length === this.all.length);
    }
  }

  /** So many visits have begun, and no more. */
  async tellsOpened(count: number): Promise<void> {
    await until('it is reported', () => this.opened.length >= count);
    await stays('no more is told', () => this.opened.length === count, 150);
  }

  private async link(): Promise<ClusterLink> {
    if (typeof this.via === 'string') return workerLink({ path: this.via });
    const { client } = await connect(this.all.length % 2 === 0 ? 'redis' : 'ioredis', this.via);
    return redisLink(client, { prefix: this.prefix });
  }

  get opened(): PlaySession[] {
    return this.all.flatMap(({ opened }) => opened);
  }

  get closed(): PlaySession[] {
    return this.all.flatMap(({ closed }) => closed);
  }

  /** Names of keys of this cluster in Redis. */
  async keys(pattern: string): Promise<string[]> {
    const { ask } = await connect('redis', this.via as number);
    return (await ask('KEYS', `${this.prefix}*:${pattern}`)) as string[];
  }

  /** What Redis has of visits, as it is. */
  async records(): Promise<string[]> {
    const { ask } = await connect('redis', this.via as number);
    const keys = (await ask('KEYS', `${this.prefix}*:visits-*`)) as string[];
    const values = ((await Promise.all(keys.map((key) => ask('HVALS', key)))) as string[][]).flat();
    // what else is there are numbers of steps
    return values.filter((value) => value.includes(' '));
  }

  /** Everybody leaves. */
  async end(): Promise<void> {
    for (const { tracker, directory, link } of this.all.splice(0)) {
      await directory.leave();
      await tracker.stop({ timeoutMs: 10 });
      await link.close();
    }
    closeClients();
  }
}

/** How many visits these are. Each is told of at least once: again if the lease of a node ends meanwhile, as on a busy machine. */
export const visitsIn = (told: readonly PlaySession[]): number =>
  new Set(told.map(({ id, openedAt }) => `${id} ${openedAt}`)).size;

export const hit = (over: Partial<HttpHit> = {}): HttpHit => ({
  stream: 'cam1',
  protocol: 'hls',
  ip: '203.0.113.7',
  userAgent: 'player/1.0',
  ...over,
});

/** Asks, and waits for the answer. */
export async function ask({ tracker }: Node, over: Partial<HttpHit> = {}): Promise<Admission<RequestHandle>> {
  const asked: Admission<RequestHandle> | PendingAdmission<RequestHandle> = tracker.admit(hit(over));
  return asked;
}

/** One request that is answered with so many bytes. */
export async function play(node: Node, over: Partial<HttpHit> = {}, bytes = 100): Promise<PlaySession> {
  const admission = await ask(node, over);
  if (!admission.admitted) throw new Error(`refused: ${admission.denial.reason} ${admission.denial.detail ?? ''}`);
  const { handle } = admission;
  handle.end(bytes);
  return handle.session as PlaySession;
}
