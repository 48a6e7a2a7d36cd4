import type { CloseReason, Denial } from '@stream-sessions/core';
import type { Flow, VisitClient } from '@stream-sessions/core/spi';
import type { Settings } from '../options.js';
import { flowOf, outletOf, voiceOf } from './client.js';
import { PlayGate } from './play-gate.js';
import type { V4Session } from './shapes.js';

/** A player of node-media-server 4. There are thousands of them: what only a refusal or a cut needs is made for that. */
export class Player implements VisitClient {
  private readonly gate: PlayGate;

  constructor(
    private readonly session: V4Session,
    private readonly settings: Settings,
  ) {
    this.gate = PlayGate.enter(session, outletOf(session), settings.maxBufferBytes);
  }

  flow(): Flow {
    return flowOf(this.session, 'viewer', this.settings.silenceTimeoutMs);
  }

  hold(): void {
    this.gate.hold();
  }

  release(): void {
    this.gate.release();
  }

  refuse(denial: Denial): void {
    this.shut();
    voiceOf(this.session, 'viewer').refuse(denial);
  }

  sever(reason: CloseReason): void {
    this.shut();
    voiceOf(this.session, 'viewer').sever(reason);
  }

  forget(): void {
    this.gate.leave();
  }

  private shut(): void {
    this.gate.close();
    // The server seats it only after it has told us, and forgets it only with its socket, which HTTP keeps.
    const { broadcast, id } = this.session;
    queueMicrotask(() => broadcast.subscribers.delete(id));
  }
}
