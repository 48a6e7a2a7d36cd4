import type { CloseReason, Denial } from '@stream-sessions/core';
import type { Flow, VisitClient } from '@stream-sessions/core/spi';
import { flowOf, unseat, voiceOf } from './client.js';
import { PublishGate } from './publish-gate.js';
import type { V4Session } from './shapes.js';
import type { Succession } from './succession.js';

/** A publisher of node-media-server 4. */
export class Publisher implements VisitClient {
  private isRefused = false;

  constructor(
    private readonly session: V4Session,
    private readonly silenceTimeoutMs: number,
    private readonly succession?: Succession,
  ) {}

  flow(): Flow {
    this.succession?.complete(); // it is admitted
    return flowOf(this.session, 'input', this.silenceTimeoutMs);
  }

  hold(): void {
    this.gate.hold();
  }

  release(): void {
    this.gate.release();
  }

  refuse(denial: Denial): void {
    this.isRefused = true;
    this.gate.close();
    voiceOf(this.session, 'input').refuse(denial);
    // The server makes it the publisher only after it has told us.
    queueMicrotask(() => {
      this.succession?.undo();
      unseat(this.session);
    });
  }

  sever(reason: CloseReason): void {
    this.gate.close();
    voiceOf(this.session, 'input').sever(reason);
  }

  forget(): void {
    // A place that it was refused is given back a moment later: see there. The gate goes with the session.
    if (!this.isRefused) this.succession?.undo();
  }

  private get gate(): PublishGate {
    return PublishGate.of(this.session);
  }
}
