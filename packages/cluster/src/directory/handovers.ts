import type { Clock, Logger } from '@stream-sessions/core';
import { everyMs } from '@stream-sessions/core/spi';

/** Longer than viewers take to settle when a node has joined or gone, which hands each of them over once. */
const LOOK_EVERY_MS = 300_000;
/** In that time, for each viewer that is here. What docs/cluster.md calls enough to balance by hash is 1.7 and more. */
const MANY_FOR_EACH = 1.5;
/** Fewer say nothing about a balancer. */
const WORTH_A_WORD = 100;

export interface HandoversParts {
  readonly clock: Clock;
  readonly logger: Logger;
  /** How many sessions are live here. */
  readonly live: () => number;
  /** One more. */
  readonly onHandover: () => void;
}

/** Viewers that have gone quiet here and watch on at other nodes: each costs a step, and one more when it comes back. */
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
    // once will do
    this.stop();
    this.parts.logger.warn(
      { handovers: recent, live },
      'cluster: the balancer sends viewers from node to node, and each move costs a step of the cluster. Let it hash by address and User-Agent (docs/cluster.md).',
    );
  }
}
