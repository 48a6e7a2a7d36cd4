import type { IdentityField } from '../identity/options.js';
import type { SessionKind } from '../model/kinds.js';
import type { CloseReason, NamedBy } from '../model/play-session.js';

/** What one policy said of a session. */
export interface Judgement {
  readonly policy: string;
  readonly allowed: boolean;
  readonly reason?: string | undefined;
  readonly detail?: string | undefined;
  /** Epoch milliseconds. */
  readonly at: number;
  /** When this yes ends, epoch milliseconds. */
  readonly expiresAt?: number | undefined;
}

/** Why a session is what it is. */
export interface Explanation {
  readonly id: string;
  readonly kind: SessionKind;
  /** The fields that made hits this session; absent for a connection, which is a session of its own. */
  readonly recipe?: readonly IdentityField[];
  readonly namedBy: NamedBy;
  /** What each policy said last, in the order they were asked. */
  readonly policies: readonly Judgement[];
  /** When the session is looked at next, and what ends it if nothing changes. Epoch milliseconds. */
  readonly idleAt?: number;
  readonly expiresAt?: number;
  readonly maxLifetimeAt?: number;
  readonly closedAt?: number;
  readonly closeReason?: CloseReason;
  readonly closeDetail?: string;
}
