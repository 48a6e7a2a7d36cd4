import type { Clock } from '@stream-sessions/core';
import { momentOf, type Moment } from '@stream-sessions/core/spi';
import type { Reply } from '../link/link.js';

/** A process of the cluster. */
export interface ClusterNode {
  /** Random: a process that was away and comes back has another one. */
  readonly incarnation: string;
  /** As passed to `joinCluster`; default the host name and the process id. */
  readonly name: string;
  /** When its lease ends unless it is renewed; epoch milliseconds by the clock of the cluster. */
  readonly leaseUntil: number;
  /** How much the clock of the cluster was ahead of its own, in milliseconds. */
  readonly clockOffsetMs: number;
}

/** The living nodes as of the last answer, and the time there. */
export class NodeList {
  private nodes: readonly ClusterNode[] = [];
  /** Those of before Redis came back empty: they live on, and join anew in a moment. */
  private awaited: readonly ClusterNode[] = [];
  private epoch: string | undefined;
  private heard: { readonly at: Moment; readonly clusterNow: number } | undefined;

  constructor(private readonly clock: Clock) {}

  /** The clock of the cluster minus that of this process, in milliseconds. */
  get clockOffsetMs(): number {
    return this.heard === undefined ? 0 : Math.round(this.heard.clusterNow - this.heard.at.wall);
  }

  /** Epoch milliseconds by the clock of the cluster. */
  now(): number {
    const { wall, monotonic } = momentOf(this.clock);
    return this.heard === undefined ? wall : this.heard.clusterNow + monotonic - this.heard.at.monotonic;
  }

  /**
   * @param asked When it was asked; the time there was read about halfway to now
   * @param epoch Identifies the life of the list
   */
  update(asked: Moment, clusterNow: number, reply: Reply | undefined, epoch: string): void {
    const { monotonic } = momentOf(this.clock);
    const half = Math.max(0, monotonic - asked.monotonic) / 2;
    this.heard = { at: { wall: asked.wall + half, monotonic: asked.monotonic + half }, clusterNow };
    const before = this.epoch === undefined || this.epoch === epoch ? this.awaited : this.latest();
    this.epoch = epoch;
    this.nodes = (reply as readonly [string, string, string][]).map(([incarnation, until, about]) => {
      const { name, clockOffsetMs } = JSON.parse(about) as Pick<ClusterNode, 'name' | 'clockOffsetMs'>;
      return Object.freeze({ incarnation, name, leaseUntil: Number(until), clockOffsetMs });
    });
    const names = new Set(this.nodes.map(({ name }) => name));
    this.awaited = before.filter(({ name }) => !names.has(name));
  }

  /** It has said that it leaves. */
  forget(incarnation: string): void {
    const stays = (node: ClusterNode): boolean => node.incarnation !== incarnation;
    this.nodes = this.nodes.filter(stays);
    this.awaited = this.awaited.filter(stays);
  }

  /** This process is no longer one of them, and asks none. */
  clear(): void {
    this.nodes = this.awaited = [];
  }

  /** All that were known last, whether or not their lease has ended. */
  latest(): readonly ClusterNode[] {
    return [...this.nodes, ...this.awaited];
  }

  /** Nodes whose lease has not ended, in the same order everywhere. */
  living(): readonly ClusterNode[] {
    const now = this.now();
    return this.latest()
      .filter(({ leaseUntil }) => leaseUntil > now)
      .sort((a, b) => (a.incarnation < b.incarnation ? -1 : 1));
  }

  /** Milliseconds until the first lease ends that nobody has renewed by then; Infinity: there is none. */
  firstEndsInMs(): number {
    const now = this.now();
    return Math.min(...this.living().map(({ leaseUntil }) => leaseUntil - now));
  }
}
