import type { CloseReason, Denial } from '@stream-sessions/core';
import type { Flow, VisitClient } from '@stream-sessions/core/spi';
import { flowOf, unseat, voiceOf } from './client.js';
import { PublishGate } from './publish-gate.js';
import type { V4Session } from './shapes.js';

/** A publisher of node-media-server 4. */
export class Publisher implements VisitClient {
  constructor(private readonly session: V4Session) {}

  flow(): Flow {
    return flowOf(this.session);
  }

  hold(): void {
    this.gate.hold();
  }

  release(): void {
    this.gate.release();
  }

  refuse(denial: Denial): void {
    this.gate.close();
    voiceOf(this.session, 'input').refuse(denial);
    // The server makes it the publisher only after it has told us.
    queueMicrotask(() => unseat(this.session));
  }

  sever(reason: CloseReason): void {
    this.gate.close();
    voiceOf(this.session, 'input').sever(reason);
  }

  forget(): void {
    // The gate goes with the session.
  }

  private get gate(): PublishGate {
    return PublishGate.of(this.session);
  }
}
