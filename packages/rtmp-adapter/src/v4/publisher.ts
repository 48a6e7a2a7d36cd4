import type { CloseReason, Denial } from '@stream-sessions/core';
import type { ByteCounters, TransportClient } from '@stream-sessions/core/spi';
import { countersOf, deafen, expel, responderOf } from './client.js';
import { PublishGate } from './publish-gate.js';
import type { Broadcast, V4Session } from './shapes.js';
import type { Succession } from './succession.js';

/** A publisher of node-media-server 4. */
export class Publisher implements TransportClient {
  private isRefused = false;
  private readonly broadcast: Broadcast;

  constructor(
    private readonly session: V4Session,
    private readonly silenceTimeoutMs: number,
    private readonly succession?: Succession,
  ) {
    this.broadcast = session.broadcast;
    PublishGate.renew(session);
  }

  counters(): ByteCounters {
    this.succession?.complete(); // it is admitted
    return countersOf(this.session, 'input', this.silenceTimeoutMs);
  }

  pause(): void {
    this.gate.hold();
  }

  resume(): void {
    this.gate.release();
  }

  abandon(): void {
    this.gate.abandon();
  }

  reject(denial: Denial): void {
    this.isRefused = true;
    this.gate.close();
    responderOf(this.session, 'input').reject(denial);
    // The server makes it the publisher only after notifying us.
    queueMicrotask(() => this.succession?.undo());
    expel(this.session);
  }

  destroy(reason: CloseReason): void {
    this.gate.close();
    deafen(this.session);
    responderOf(this.session, 'input').destroy(reason);
  }

  dispose(): void {
    // The place of a refused publisher is released a moment later: see `reject`. The gate goes with the session.
    if (!this.isRefused) this.succession?.undo();
  }

  /** Releases the place of a client that has switched to another stream. */
  removeFromServer(): void {
    this.broadcast.donePublish(this.session);
    this.broadcast._destroyIfEmpty?.();
  }

  private get gate(): PublishGate {
    return PublishGate.of(this.session);
  }
}
