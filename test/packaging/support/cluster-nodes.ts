import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { randomUUID } from 'node:crypto';
import { Agent, get } from 'node:http';
import path from 'node:path';
import { keysWithoutExpiry } from '../../../packages/cluster/test/support/redis-links.js';
import { endChild } from '../../support/child-server.js';
import type { OpenClient } from '../../support/redis-clients.js';
import { stays, until } from '../../support/until.js';
import { root } from './packages.js';

/** Several processes, one step after the other: each step has a limit of its own, and says which it was. */
jest.setTimeout(180_000);

/** How a node reaches Redis. */
export type Via =
  | { readonly port: number; readonly kind?: 'redis' | 'ioredis' }
  | { readonly clusterPorts: readonly number[] }
  | { readonly sentinels: readonly object[]; readonly password: string; readonly sentinelPassword: string };

/** How nodes join; as `joinCluster` and `createTracker` take it. */
export interface NodeOptions {
  readonly leaseMs?: number;
  readonly idleTimeoutMs?: number;
  readonly timeLimitMs?: number;
  readonly whenAlone?: 'local' | 'refuse';
  readonly commandTimeoutMs?: number;
  /** Visits of a user at a time, over all nodes. */
  readonly max?: number;
}

/** An event as the sink of a node was told it. */
export interface Told {
  readonly id: string;
  readonly type: string;
  readonly occurred_at: string;
  readonly payload: Readonly<Record<string, any>>;
  /** The name of the node. */
  readonly by: string;
}

/** Who asks for a playlist. */
export interface Viewer {
  readonly token: string;
  readonly ip: string;
  readonly stream?: string;
}

/** The n-th device of a user, at an address of its own. */
export const viewer = (user: string, n: number): Viewer => ({
  token: `${user}-${n}`,
  ip: `10.0.${n >> 8}.${n & 255}`,
});

const PROGRAM = path.join(__dirname, 'cluster-node.mjs');

/** A process that is a node. */
export class ClusterNode {
  private asked = 0;
  readonly agent = new Agent({ keepAlive: true, maxSockets: 64 });
  port = 0;

  constructor(
    readonly name: string,
    readonly child: ChildProcess,
  ) {}

  get isAlive(): boolean {
    return this.child.exitCode === null && this.child.signalCode === null;
  }

  /** What `asks` of the program has. */
  ask<T = unknown>(what: string, ...args: readonly unknown[]): Promise<T> {
    const id = ++this.asked;
    return new Promise((resolve, reject) => {
      const end = (): void => {
        this.child.off('message', heard);
        this.child.off('exit', died);
      };
      const died = (): void => (end(), reject(new Error(`${this.name} has died`)));
      const heard = (message: { id?: number; answer?: T; error?: string }): void => {
        if (message.id !== id) return;
        end();
        if (message.error === undefined) resolve(message.answer as T);
        else reject(new Error(message.error));
      };
      this.child.on('message', heard).on('exit', died);
      this.child.send({ id, what, args }, (error) => error && (end(), reject(error)));
    });
  }

  /** One request over HTTP. Resolves to its status, or 0 where the connection broke. */
  play({ token, ip, stream = 'cam1' }: Viewer): Promise<number> {
    const headers = { 'x-forwarded-for': ip, 'user-agent': 'player/1.0' };
    const url = `http://127.0.0.1:${this.port}/live/${stream}/index.m3u8?token=${token}`;
    return new Promise((resolve) => {
      get(url, { headers, agent: this.agent }, (res) =>
        res.resume().once('close', () => resolve(res.statusCode ?? 0)),
      ).once('error', () => resolve(0));
    });
  }
}

/** Processes that are the nodes of one cluster, and all that their sinks were told. */
export class ClusterNodes {
  readonly prefix = `test-${randomUUID()}:`;
  readonly all: ClusterNode[] = [];
  readonly told: Told[] = [];
  /** Visits of a user at a time. */
  private max = Infinity;

  /** @param shiftMs by how much its wall clock is wrong */
  async start(via: Via, options: NodeOptions = {}, shiftMs = 0): Promise<ClusterNode> {
    const name = `node-${this.all.length + 1}`;
    // Generous: what a busy machine makes of shorter limits is another test.
    const defaults = { commandTimeoutMs: 5_000, timeLimitMs: 5_000, leaseMs: 3_000, idleTimeoutMs: 60_000 };
    const shift = `const now = Date.now; Date.now = () => now() + ${shiftMs};`;
    const child = fork(PROGRAM, [JSON.stringify({ via, name, prefix: this.prefix, ...defaults, ...options })], {
      cwd: root,
      execArgv: shiftMs === 0 ? [] : ['--import', `data:text/javascript,${encodeURIComponent(shift)}`],
    });
    this.max = options.max ?? Infinity;
    const node = new ClusterNode(name, child);
    this.all.push(node);
    child.on('message', ({ told = [] }: { told?: Omit<Told, 'by'>[] }) => {
      this.told.push(...told.map((each) => ({ ...each, by: name })));
    });
    const [{ port }] = (await Promise.race([once(child, 'message'), once(child, 'exit')])) as [{ port: number }];
    node.port = port;
    return node;
  }

  get living(): readonly ClusterNode[] {
    return this.all.filter(({ isAlive }) => isAlive);
  }

  /** Each knows of each. */
  async allSeen(): Promise<void> {
    for (const node of this.living) {
      const seen = async () => (await node.ask<string[]>('nodes')).length === this.living.length;
      await until(`${node.name} sees all nodes`, seen);
    }
  }

  /** Ids of the events of one type, by visit. */
  idsOf(type: 'opened' | 'closed'): Map<string, string[]> {
    const ids = new Map<string, string[]>();
    for (const { id, payload } of this.told.filter((each) => each.type === `session.${type}`)) {
      const visit = `${payload['session_id']} ${payload['opened_at']}`;
      ids.set(visit, [...(ids.get(visit) ?? []), id]);
    }
    return ids;
  }

  /** Visits of which it was told that they have begun, and not that they have ended. */
  live(): string[] {
    const closed = this.idsOf('closed');
    return [...this.idsOf('opened').keys()].filter((visit) => !closed.has(visit));
  }

  /**
   * What holds when nothing more happens: each visit was told as begun and as ended by one event each; those that were not told as
   * ended are the list, everywhere, and are counted, and are what the nodes have, each by itself; no user has more than the limit; all
   * keys expire.
   *
   * @param live so many visits
   * @param mayRepeat a node has died before it could say what it had told: the same event may have been told again
   */
  async settled(live: number, aside: readonly Pick<OpenClient, 'ask'>[], mayRepeat = false): Promise<void> {
    await until(`${live} visits are left`, () => this.live().length === live).catch((error: Error) => {
      throw new Error(`${error.message}; there are ${this.live().length}`);
    });
    for (const node of this.living) {
      let seen: unknown;
      const isRight = async () => {
        const [rows, count, parts] = [await node.ask<Row[]>('list'), await node.ask('count'), await this.parts()];
        const listed = rows.map(visitOf);
        const seenBy = rows.flatMap((row) => row.nodes.map((name) => `${visitOf(row)} ${name}`));
        const [more, fewer] = [
          listed.filter((each) => !this.live().includes(each)),
          this.live().filter((each) => !listed.includes(each)),
        ];
        const perUser = Math.max(0, ...countsOf(rows.map(({ userId }) => userId)).values());
        seen = { count, live: this.live().length, listed: listed.length, more, fewer, perUser, seenBy, parts };
        const isListed = count === live && this.live().length === live && more.length + fewer.length === 0;
        return isListed && perUser <= this.max && seenBy.sort().join() === parts.sort().join();
      };
      await until(`${node.name} lists and counts ${live}`, isRight).catch((error: Error) => {
        throw new Error(`${error.message}; ${JSON.stringify(seen)}`);
      });
    }
    await stays('no more is told', () => this.live().length === live, 300);
    const [opened, closed] = [this.idsOf('opened'), this.idsOf('closed')];
    expect([...closed.keys()].filter((visit) => !opened.has(visit))).toEqual([]);
    for (const ids of [opened, closed]) {
      const ofOneVisit = [...ids.values()].map((each) => (mayRepeat ? [...new Set(each)] : each));
      expect(ofOneVisit.filter((each) => each.length !== 1)).toEqual([]);
    }
    for (const each of aside) expect(await keysWithoutExpiry(each, this.prefix)).toEqual([]);
  }

  /** Visits, with the name of each node that has a part of them, as the nodes themselves say. */
  private async parts(): Promise<string[]> {
    const parts = this.living.map(async (node) => {
      const own = await node.ask<Pick<Row, 'id' | 'openedAt'>[]>('parts');
      return own.map((part) => `${visitOf(part)} ${node.name}`);
    });
    return (await Promise.all(parts)).flat();
  }

  /** Ends all processes, for `afterEach`. */
  async end(): Promise<void> {
    for (const { child, agent } of this.all.splice(0)) {
      agent.destroy();
      await endChild(child, 'SIGKILL');
    }
  }
}

/** A visit as the nodes list it. */
export interface Row {
  readonly id: string;
  readonly openedAt: number;
  readonly stream: string;
  readonly userId: string;
  readonly nodes: readonly string[];
}

const visitOf = ({ id, openedAt }: Pick<Row, 'id' | 'openedAt'>): string => `${id} ${new Date(openedAt).toISOString()}`;

function countsOf(all: readonly string[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const each of all) counts.set(each, (counts.get(each) ?? 0) + 1);
  return counts;
}
