import type { IdentityField } from './identity.js';
import type { SessionKind } from './kinds.js';
import type { Denial } from './denial.js';
import type { CloseReason, NamedBy } from './play-session.js';

/** What one policy said of a session. */
export interface PolicyDecision {
  readonly policy: string;
  readonly allowed: boolean;
  readonly reason?: string | undefined;
  readonly detail?: string | undefined;
  /** Epoch milliseconds. */
  readonly at: number;
  /** When this yes ends, epoch milliseconds. */
  readonly expiresAt?: number | undefined;
}

/** Why a session is what it is, or why a denial is. */
export interface Explanation {
  readonly id: string;
  /** Absent for a denial, as are the next three. */
  readonly kind?: SessionKind;
  /** The fields that made hits this session; absent for a connection, which is a session of its own. */
  readonly recipe?: readonly IdentityField[];
  /** What they were: who brings the same again is this session. A token stands here as its fingerprint. */
  readonly matched?: Readonly<Partial<Record<IdentityField, string>>>;
  readonly namedBy?: NamedBy;
  /** What each policy said last, in the order they were asked. Of a denial: what they said of whom it refused first. */
  readonly policies: readonly PolicyDecision[];
  /** The policy that is being asked about it again. */
  readonly waitingFor?: string;
  /** When a policy looks at it next, unless bytes come first. Epoch milliseconds. */
  readonly reviewAt?: number;
  /** When the session is looked at next, and what ends it if nothing changes. Epoch milliseconds. */
  readonly idleAt?: number;
  readonly expiresAt?: number;
  readonly maxLifetimeAt?: number;
  readonly closedAt?: number;
  readonly closeReason?: CloseReason;
  readonly closeDetail?: string;
  /** The denial, when the id is one's. */
  readonly denial?: Denial;
}

/** What of an explanation outlasts the session. */
export type LastWords = Pick<Explanation, 'recipe' | 'matched' | 'policies'>;
