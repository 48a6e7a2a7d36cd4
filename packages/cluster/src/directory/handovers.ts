import type { Clock, Logger } from '@stream-sessions/core';
import { everyMs } from '@stream-sessions/core/spi';

/** Longer than viewers take to settle after a node has joined or left, which hands each of them over once. Milliseconds. */
const LOOK_EVERY_MS = 300_000;
/** Handovers in that time, per viewer on this node. docs/cluster.md recommends balancing by hash from 1.7 on. */
const MANY_FOR_EACH = 1.5;
/** Fewer handovers say nothing about the balancer. */
const WORTH_A_WORD = 100;

export interface HandoversParts {
  readonly clock: Clock;
  readonly logger: Logger;
  /** The number of live sessions on this node. */
  readonly live: () => number;
  /** Called for each handover. */
  readonly onHandover: () => void;
}

/** Viewers that have gone quiet here and watch on through other nodes: each costs a step, and another one when it comes back. */
export class Handovers {
  private recent = 0;
  private readonly stopLooking: () => void;

  constructor(private readonly parts: HandoversParts) {
    this.stopLooking = everyMs(parts.clock, LOOK_EVERY_MS, () => this.look());
  }

  add(): void {
    this.recent++;
    this.parts.onHandover();
  }

  stop(): void {
    this.stopLooking();
  }

  private look(): void {
    const { recent } = this;
    this.recent = 0;
    const live = this.parts.live();
    if (recent < Math.max(WORTH_A_WORD, MANY_FOR_EACH * live)) return;
    // one warning is enough
    this.stop();
    this.parts.logger.warn(
      { handovers: recent, live },
      'cluster: the balancer sends viewers from node to node, and each move costs a step of the cluster. Let it hash by address and User-Agent (docs/cluster.md).',
    );
  }
}
