import type {
  DenialTarget,
  DenyOptions,
  EventSink,
  Everywhere,
  Explanation,
  KickedAt,
  KickOptions,
  SessionDirectory,
  SessionFilter,
  SharedDenial,
  SinkOptions,
} from '@stream-sessions/core';
import type { SharedSlots } from '@stream-sessions/core/spi';
import type { ClusterNode } from '../membership/node-list.js';
import type { ClusterSession } from './merge-rows.js';

/** Rows of the list. `partial`: some nodes have not answered in time. */
export interface ClusterList extends ReadonlyArray<ClusterSession> {
  readonly partial: boolean;
  /** Their names. */
  readonly missing: readonly string[];
}

/** The state of the cluster as this node sees it. */
export interface ClusterHealth {
  /** True: this node lacks a lease, and newcomers, or some of them, are treated as `whenAlone` says. */
  readonly isAlone: boolean;
  /** The clock of the cluster minus that of this process, in milliseconds. */
  readonly clockOffsetMs: number;
  /** Names of nodes whose clocks differ from that of the cluster by more than a second. */
  readonly clocksApart: readonly string[];
}

/** All nodes of a cluster as one directory: `sessionsApi()` and others accept it in place of a tracker. */
export interface ClusterDirectory extends SessionDirectory {
  list(filter?: SessionFilter): Promise<ClusterList>;
  count(filter?: SessionFilter): Promise<number>;
  get(id: string): Promise<ClusterSession | undefined>;
  /** Each end is reported by some node, whatever becomes of this one. */
  readonly tellsEveryEnd: true;
  /**
   * Sends events to a sink: `session.opened` and `session.closed` once per visit, from the node whose step caused them; after a
   * crash possibly again, with the same `id`. The parts on this node come first. Each node has its own sinks, and reports its
   * share. Returns the function that removes the sink.
   *
   * @throws StreamSessionsError ERR_BAD_OPTION
   */
  addSink(sink: EventSink, options?: SinkOptions): () => void;
  /**
   * Works from any node. Resolves when all nodes have cut the session and know whom to keep out, or after a second: `pending` are
   * those that have not confirmed it. False: no node has such a live session.
   *
   * @throws StreamSessionsError ERR_CLUSTER_ALONE (as a rejection) if no node that answers has it, and not all can be asked
   */
  kick(id: string, options?: KickOptions): Promise<false | KickedAt>;
  /**
   * Applies here at once. Resolves when all nodes have heard of it, or after a second: `pending` are those that have not confirmed
   * it, which apply it when they hear of it.
   *
   * @throws StreamSessionsError ERR_BAD_DENIAL (as a rejection)
   */
  deny(target: DenialTarget, options?: DenyOptions): Promise<SharedDenial>;
  /**
   * Applies here at once, and waits a second at most for the other nodes to hear of it. False: no node has such a denial.
   *
   * @throws StreamSessionsError ERR_CLUSTER_ALONE (as a rejection) if no node that answers has it, and not all have answered
   */
  liftDenial(which: string | DenialTarget): Promise<boolean>;
  /**
   * What the nodes know about it, merged; `partial` if some have not answered within a second.
   *
   * @throws StreamSessionsError ERR_CLUSTER_ALONE (as a rejection) if no node that answers has it, and not all have answered
   */
  explain(id: string): Promise<Explanation | undefined>;
  /** The living nodes. */
  nodes(): readonly ClusterNode[];
  readonly health: ClusterHealth;
  /**
   * The events of all nodes, for live displays such as the feed of `sessionsApi()`. Other nodes are asked to report only while
   * there are listeners.
   */
  readonly everywhere: Everywhere;
  /** For `concurrencyPolicy({ shared })`. */
  readonly slots: SharedSlots;
  /** This node releases all its parts, and its tracker is independent again. The link stays open. */
  leave(): Promise<void>;
}
