import type { CloseReason, ConnHit, Denial, SessionTracker } from '@stream-sessions/core';
import {
  ConnectionSet,
  denialStatus,
  denialText,
  type ByteCounters,
  type TransportClient,
  type ConnectionSettings,
} from '@stream-sessions/core/spi';
import type { RtspClient } from './rtsp-client.js';
import {
  ADMITTED,
  type Answer,
  type Authorizer,
  type Authorization,
  type RefusalStatus,
  type Client,
} from './authorizer.js';

/** Asks a tracker whom to admit, and keeps its books. */
export class TrackerAuthorizer implements Authorizer {
  private readonly connections: ConnectionSet<TrackerAuthorization>;
  private isOpen = true;

  constructor(tracker: SessionTracker, settings: ConnectionSettings) {
    this.connections = new ConnectionSet(tracker, settings);
  }

  authorize(client: Client, asked: RtspClient): Authorization {
    const authorization = new TrackerAuthorization(client, this);
    this.connections.add(authorization, authorization, hitOf(asked));
    return authorization;
  }

  end(authorization: TrackerAuthorization, reason?: CloseReason): void {
    this.connections.get(authorization)?.close(reason);
  }

  /** Closes the books. Admitted clients stay; clients that are waiting get no answer from this tracker. */
  close(): void {
    this.isOpen = false;
    this.connections.close();
  }

  /** The answer for clients that were waiting when the authorizer was removed. */
  get unanswered(): Answer | undefined {
    return this.isOpen ? undefined : { admitted: false, status: 503, text: '' };
  }
}

class TrackerAuthorization implements Authorization, TransportClient {
  answer: Answer | Promise<Answer> = ADMITTED;
  private decide: ((answer: Answer) => void) | undefined = undefined;

  constructor(
    private readonly client: Client,
    private readonly authorizer: TrackerAuthorizer,
  ) {}

  close(reason?: CloseReason): void {
    this.authorizer.end(this, reason);
  }

  counters(): ByteCounters {
    return this.client.counters();
  }

  pause(): void {
    this.answer = new Promise((resolve) => (this.decide = resolve));
  }

  resume(): void {
    this.decide?.(this.authorizer.unanswered ?? ADMITTED);
  }

  abandon(): void {
    this.decide?.({ admitted: false, status: 503, text: '' });
  }

  reject(denial: Denial): void {
    const answer: Answer = { admitted: false, status: statusOf(denial), text: denialText(denial) };
    if (this.decide === undefined) this.answer = answer;
    else this.decide(answer);
  }

  destroy(reason: CloseReason): void {
    this.client.destroy(reason);
    this.decide?.({ admitted: false, status: 503, text: '' });
  }

  dispose(): void {
    // Nothing to undo: the server was not changed.
  }
}

/** RTSP has a status of its own for limits (RFC 2326 §11.3.3). */
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
