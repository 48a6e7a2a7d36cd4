import type { WebhookFormat } from './formats/format.js';
import type { Attempt } from './delivery/post.js';

/** How an endpoint is doing. */
export interface EndpointStatus {
  readonly name: string;
  /** The host of its URL, whose remainder may be a secret. */
  readonly host: string;
  readonly format: WebhookFormat;
  /** It answered 410. */
  readonly isDisabled: boolean;
  /** Events that it has not received yet. */
  readonly queued: number;
  /** Events that it has accepted since the process began. */
  readonly delivered: number;
  /** Failed attempts. */
  readonly failed: number;
  readonly lastError: { readonly at: number; readonly error: string } | undefined;
}

/** An event that an endpoint did not accept. */
export interface DeadLetter {
  /** Its `webhook-id`. */
  readonly id: string;
  readonly endpoint: string;
  readonly type: string;
  /** When it happened, epoch milliseconds. */
  readonly occurredAt: number;
  /** When it was given up, epoch milliseconds. */
  readonly givenUpAt: number;
  readonly error: string;
}

/** Running webhooks. */
export interface Webhooks {
  endpoints(): readonly EndpointStatus[];
  /** Events that were given up, oldest first. */
  deadLetters(): readonly DeadLetter[];
  /** Events that were lost because the journal had no room, since the process began. */
  readonly dropped: number;
  /** Sends a dead letter again, by its `webhook-id`. False: there is none. `endpoint`: only to this one. */
  resend(id: string, endpoint?: string): boolean;
  /** Sends again to an endpoint that answered 410. False: there is none of this name. */
  enable(endpoint: string): boolean;
  /** Sends a `webhook.test` now, once. Undefined: there is no such endpoint. */
  test(endpoint: string): Promise<Attempt | undefined>;
  /** Stops sending. What was not delivered is in the journal, for the next process. */
  stop(): Promise<void>;
}
