import type { CloseReason, Denial } from '@stream-sessions/core';
import type { ByteCounters, TransportClient } from '@stream-sessions/core/spi';
import type { Settings } from '../options.js';
import { countersOf, expel, outletOf, responderOf } from './client.js';
import { PlayGate } from './play-gate.js';
import type { Broadcast, V4Session } from './shapes.js';

/** A player of node-media-server 4. There are thousands of them, so what only a refusal or a cut needs is created for that. */
export class Player implements TransportClient {
  private readonly gate: PlayGate;
  private readonly broadcast: Broadcast;

  constructor(
    private readonly session: V4Session,
    private readonly settings: Settings,
  ) {
    this.broadcast = session.broadcast;
    this.gate = PlayGate.enter(session, outletOf(session), settings.maxBufferBytes);
  }

  counters(): ByteCounters {
    return countersOf(this.session, 'viewer', this.settings.silenceTimeoutMs);
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
    this.shut();
    responderOf(this.session, 'viewer').reject(denial);
  }

  destroy(reason: CloseReason): void {
    this.shut();
    responderOf(this.session, 'viewer').destroy(reason);
  }

  dispose(): void {
    this.gate.leave();
  }

  /** Releases the place of a client that has switched to another stream. */
  removeFromServer(): void {
    this.broadcast.subscribers.delete(this.session.id);
    this.broadcast._destroyIfEmpty?.();
  }

  private shut(): void {
    this.gate.close();
    expel(this.session);
  }
}
