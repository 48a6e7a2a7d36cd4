import type { CloseReason, ConnHit, Denial, SessionTracker } from '@stream-sessions/core';
import {
  ConnectionSet,
  denialStatus,
  denialText,
  type ByteCounters,
  type TransportClient,
  type ConnectionSettings,
} from '@stream-sessions/core/spi';
import type { RtspClient } from '../door/client.js';
import { LET_IN, type Answer, type Gate, type Pass, type RefusalStatus, type Visitor } from '../door/gate.js';

/** Asks a tracker who may come in, and keeps its books. */
export class TrackerGate implements Gate {
  private readonly connections: ConnectionSet<TrackedPass>;
  private isOpen = true;

  constructor(tracker: SessionTracker, settings: ConnectionSettings) {
    this.connections = new ConnectionSet(tracker, settings);
  }

  admit(visitor: Visitor, client: RtspClient): Pass {
    const pass = new TrackedPass(visitor, this);
    this.connections.add(pass, pass, hitOf(client));
    return pass;
  }

  leave(pass: TrackedPass, reason?: CloseReason): void {
    this.connections.get(pass)?.close(reason);
  }

  /** Ends the books. Who is in stays in; who was waiting for an answer has it from nobody. */
  close(): void {
    this.isOpen = false;
    this.connections.close();
  }

  /** For those who waited when the gate was taken away. */
  get unanswered(): Answer | undefined {
    return this.isOpen ? undefined : { admitted: false, status: 503, text: '' };
  }
}

class TrackedPass implements Pass, TransportClient {
  answer: Answer | Promise<Answer> = LET_IN;
  private decide: ((answer: Answer) => void) | undefined = undefined;

  constructor(
    private readonly visitor: Visitor,
    private readonly gate: TrackerGate,
  ) {}

  leave(reason?: CloseReason): void {
    this.gate.leave(this, reason);
  }

  counters(): ByteCounters {
    return this.visitor.counters();
  }

  pause(): void {
    this.answer = new Promise((resolve) => (this.decide = resolve));
  }

  resume(): void {
    this.decide?.(this.gate.unanswered ?? LET_IN);
  }

  reject(denial: Denial): void {
    const answer: Answer = { admitted: false, status: statusOf(denial), text: denialText(denial) };
    if (this.decide === undefined) this.answer = answer;
    else this.decide(answer);
  }

  destroy(reason: CloseReason): void {
    this.visitor.destroy(reason);
    this.decide?.({ admitted: false, status: 503, text: '' });
  }

  dispose(): void {
    // Nothing of the server was changed for it.
  }
}

/** RTSP has a word of its own for limits (RFC 2326 §11.3.3). */
export function statusOf(denial: Denial): RefusalStatus {
  const status = denialStatus(denial);
  return status === 429 ? 453 : (status as RefusalStatus);
}

function hitOf(client: RtspClient): ConnHit {
  const { action, stream, url, query, token, userAgent, remoteAddress, secure, credentials } = client;
  return {
    stream,
    protocol: 'rtsp',
    kind: action === 'publish' ? 'input' : 'viewer',
    remoteAddress,
    secure,
    url,
    query,
    ...(token && { token }),
    ...(userAgent && { userAgent }),
    ...(credentials && { credentials }),
  };
}
