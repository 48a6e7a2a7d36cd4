import { newUuid } from '../support/uuid.js';
import { WheelNode } from '../collections/timing-wheel.js';
import type { Denial } from '../types/denial.js';
import type { PolicyDecision } from '../types/explanation.js';
import type { KeyedHash } from '../identity/keyed-hash.js';
import { keptValues, type DenialPattern } from './pattern.js';
import { isIssuedBy } from './issued-before.js';

/** Whom a denial refuses: anyone who matches any of its patterns. */
export interface Patterns {
  readonly always?: readonly DenialPattern[];
  /** Does not apply to viewers who are already watching. */
  readonly onlyNew?: readonly DenialPattern[];
  /** Applies to neither, except to a viewer without a name who was found by what its player calls itself. */
  readonly unlessNamed?: readonly DenialPattern[];
}

/** How long a replaced viewer is told to wait before retrying. Milliseconds. */
const REPLACED_MS = 10_000;

/** The conditions under which patterns apply. */
export const WHENS = ['always', 'onlyNew', 'unlessNamed'] as const;
export const NONE: readonly DenialPattern[] = [];
const NO_IDS: readonly string[] = [];
const NO_DECISIONS: readonly PolicyDecision[] = [];

/** The patterns as they are stored: see `keptValues`. */
export function keptPatterns(patterns: Patterns, hash: KeyedHash): Patterns {
  const kept: Partial<Record<keyof Patterns, readonly DenialPattern[]>> = {};
  for (const when of WHENS) kept[when] = patterns[when]?.map((values) => keptValues(values, hash)) ?? NONE;
  return kept;
}

/** Where a denial comes from. */
export interface DenialOrigin {
  /** Default: a new one. */
  readonly id?: string;
  /** Lets `liftDenial` find it by the target it was made with. */
  readonly targetKey?: string | undefined;
  /** What the policies said about the first viewer it refused. */
  readonly policyDecisions?: readonly PolicyDecision[];
}

/** A denial and what it is found by. */
export class DenialEntry extends WheelNode {
  hits = 0;
  /** It ends when a session does, not at a given time. */
  endsWithSession = false;
  /** Currently in a table. */
  isHeld = false;
  /** Ids of denials of the same target that were made elsewhere, and that this one stands for: they are lifted together. */
  standsFor: readonly string[] = NO_IDS;
  readonly targetKey: string | undefined;
  readonly policyDecisions: readonly PolicyDecision[];
  readonly denialId: string;
  private readonly facts: Omit<Denial, 'id' | 'hits' | 'until'>;

  constructor(
    facts: Omit<Denial, 'id' | 'hits' | 'until'>,
    public until: number,
    /** As they are stored. */
    readonly patterns: Patterns,
    { id = newUuid(), targetKey, policyDecisions = NO_DECISIONS }: DenialOrigin = {},
  ) {
    super();
    this.denialId = id;
    this.targetKey = targetKey;
    this.policyDecisions = policyDecisions;
    this.facts = { ...facts, target: Object.freeze(facts.target) };
  }

  get by(): Denial['by'] {
    return this.facts.by;
  }

  get since(): number {
    return this.facts.since;
  }

  get target(): Denial['target'] {
    return this.facts.target;
  }

  get detail(): string | undefined {
    return this.facts.detail;
  }

  /** The key of the token that its target names; the target itself has a fingerprint in its place. */
  get token(): string | undefined {
    return this.facts.target.token === undefined ? undefined : this.patterns.always?.[0]?.token;
  }

  /** Refuses only credentials issued to the user up to this time; the same request may bring one issued later. */
  get issuedBefore(): number | undefined {
    return this.facts.target.issuedBefore;
  }

  holdsFor(issuedAt: number | undefined, now: number): boolean {
    const { issuedBefore } = this;
    return this.until > now && (issuedBefore === undefined || isIssuedBy(issuedAt, issuedBefore));
  }

  /** Nobody knows when a session will end, so a viewer who waits for that is told to try again in a while. */
  shown(now: number): Denial {
    return this.endsWithSession ? this.snapshot(now + REPLACED_MS) : this.snapshot();
  }

  /** `until`: the end to show while it is not known yet. */
  snapshot(until = this.until): Denial {
    // Field by field: a spread costs three times as much, and this runs for every refused request.
    const { target, by, kind, reason, detail, since } = this.facts;
    return Object.freeze({ id: this.denialId, target, by, kind, reason, detail, since, until, hits: this.hits });
  }
}
