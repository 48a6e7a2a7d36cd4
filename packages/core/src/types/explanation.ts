import type { IdentityField } from './identity.js';
import type { SessionKind } from './kinds.js';
import type { Denial } from './denial.js';
import type { CloseReason, NamedBy } from './play-session.js';
import type { Limits } from './limits.js';

/** What one policy decided about a session. */
export interface PolicyDecision {
  readonly policy: string;
  readonly allowed: boolean;
  readonly reason?: string | undefined;
  readonly detail?: string | undefined;
  /** Epoch milliseconds. */
  readonly at: number;
  /** When this approval expires, in epoch milliseconds. */
  readonly expiresAt?: number | undefined;
  /** The rates that it wants enforced. */
  readonly limits?: Limits | undefined;
}

/** Why a session or a denial is what it is. */
export interface Explanation {
  readonly id: string;
  /** Absent for a denial, like the next three. */
  readonly kind?: SessionKind;
  /** The fields by which hits belong to this session; absent for a connection that is a session of its own. */
  readonly recipe?: readonly IdentityField[];
  /** The values of these fields: another hit with the same values belongs to this session. A token appears as its fingerprint. */
  readonly matched?: Readonly<Partial<Record<IdentityField, string>>>;
  readonly namedBy?: NamedBy;
  /** What each policy said last, in the order they were asked. For a denial: about the viewer that it refused first. */
  readonly policies: readonly PolicyDecision[];
  /** The policy that is being asked again right now. */
  readonly waitingFor?: string;
  /** When a policy reviews it next, unless its byte limit comes first. Epoch milliseconds. */
  readonly reviewAt?: number;
  /** When the session ends, and for which reason, if nothing changes. Epoch milliseconds. */
  readonly idleAt?: number;
  readonly expiresAt?: number;
  readonly maxLifetimeAt?: number;
  readonly closedAt?: number;
  readonly closeReason?: CloseReason;
  readonly closeDetail?: string;
  /** The denial, if the id belongs to one. */
  readonly denial?: Denial;
  /** Of a cluster: some nodes have not answered in time, and may know more. */
  readonly partial?: boolean;
  /** Their names. */
  readonly missing?: readonly string[];
}

/** The part of an explanation that outlives the session. */
export type LastWords = Pick<Explanation, 'recipe' | 'matched' | 'policies'>;
