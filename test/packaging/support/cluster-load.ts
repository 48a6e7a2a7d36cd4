import { pace, until } from '../../support/until.js';
import { viewer, type ClusterNodes, type Viewer } from './cluster-nodes.js';

/** How many devices of how many users ask how often. */
export interface LoadOptions {
  readonly users: number;
  readonly devices: number;
  readonly everyMs: number;
}

/** Viewers that ask again and again, at the nodes by turns. */
export class Load {
  private isOver = false;
  private readonly running: Promise<void>[];
  /** How many answers there were by status; 0: none. */
  readonly statuses = new Map<number, number>();

  constructor(
    private readonly nodes: ClusterNodes,
    private readonly options: LoadOptions,
  ) {
    const { users, devices } = options;
    const all = Array.from({ length: users * devices }, (_, n) => viewer(`user${n % users}`, n));
    this.running = all.map((each, n) => this.run(each, n));
  }

  /** One more from now on. */
  join(viewer: Viewer): void {
    this.running.push(this.run(viewer, 0));
  }

  /** Resolves when so many were let in from now on: it goes on. */
  async goesOn(count = 100): Promise<void> {
    const before = this.admitted;
    await until(`${count} more are let in`, () => this.admitted >= before + count);
  }

  get admitted(): number {
    return this.statuses.get(200) ?? 0;
  }

  async stop(): Promise<void> {
    this.isOver = true;
    await Promise.all(this.running);
  }

  private async run(viewer: Viewer, from: number): Promise<void> {
    const { everyMs } = this.options;
    await pace((everyMs * (from % 10)) / 10);
    for (let n = from; !this.isOver; n++) {
      const { living } = this.nodes;
      const status = (await living[n % living.length]?.play(viewer)) ?? 0;
      this.statuses.set(status, (this.statuses.get(status) ?? 0) + 1);
      await pace(everyMs);
    }
  }
}
