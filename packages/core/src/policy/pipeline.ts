import { tellPolicy } from './tell-policy.js';
import type { PlaySession } from '../types/play-session.js';
import { monotonic, type Clock } from '../support/clock.js';
import type { Logger } from '../support/logger.js';
import type { PolicyDecision } from '../types/explanation.js';
import type { Approval, Candidate, Ids, Policy, PolicyStage, Refusal, TrackerView, Verdict } from '../types/policy.js';
import { StreamSessionsError } from '../support/errors.js';
import { badOption } from '../support/options.js';
import { tighter, tighterLimits } from './limits.js';
import { PolicyTimes } from './policy-times.js';
import { isVerdict, kept } from './verdicts.js';
import { isPromise } from '../support/promises.js';

const STAGES: readonly PolicyStage[] = ['authorise', 'concurrency', 'pass', 'custom', 'resource'];
const METHODS = ['admit', 'settled', 'review', 'deadline', 'closed', 'attach'] as const;

/** A policy that approved, and the candidate as it was shown to that policy. */
interface Yes {
  readonly policy: Policy;
  readonly candidate: Candidate;
}

/** The combined answer of all policies. Each of `approvals` has to be told once how it ended: see `settle`. */
export interface Decision {
  readonly verdict: Verdict;
  /** The policy that refused. */
  readonly refusedBy?: Policy;
  /** The user whom the policies asked earlier had vouched for. */
  readonly vouched?: string | undefined;
  readonly approvals: readonly Yes[];
  readonly policyDecisions: readonly PolicyDecision[];
}

/** There is nobody to ask. */
export const NOT_ASKED = Object.freeze<Decision>({ verdict: { allow: true }, approvals: [], policyDecisions: [] });

/** The policies in the order in which they are asked. @throws StreamSessionsError ERR_BAD_OPTION */
export function inOrder(policies: readonly Policy[]): readonly Policy[] {
  const given: unknown = policies;
  if (!Array.isArray(given)) throw badOption('policies', 'a list of policies', given);
  for (const policy of policies) {
    if (typeof policy !== 'object' || policy === null || typeof policy.name !== 'string' || policy.name === '') {
      throw badOption('policies', 'a list of policies, each with a name', policy);
    }
    if (policy.stage !== undefined && !STAGES.includes(policy.stage)) {
      throw badOption(`policy "${policy.name}": stage`, `one of ${STAGES.join(', ')}`, policy.stage);
    }
    checkMethods(policy);
  }
  const rank = (policy: Policy): number => STAGES.indexOf(policy.stage ?? 'custom');
  return [...policies].sort((a, b) => rank(a) - rank(b));
}

/** A policy whose method has another name would let everybody in. */
function checkMethods(policy: Policy): void {
  const { name, stage } = policy;
  const methods: Readonly<Partial<Record<(typeof METHODS)[number], unknown>>> = policy;
  const known = METHODS.filter((method) => methods[method] !== undefined);
  for (const method of known) {
    if (typeof methods[method] !== 'function') {
      throw badOption(`policy "${name}": ${method}`, 'a function', methods[method]);
    }
  }
  if (known.length === 0) {
    const message = `policy "${name}" has none of the methods of a policy: ${METHODS.join('(), ')}().`;
    throw new StreamSessionsError('ERR_BAD_OPTION', message);
  }
  if (stage === 'authorise' && !known.includes('admit')) {
    throw badOption(`policy "${name}": admit`, 'a function, for it authorises', undefined);
  }
}

/** Asks policies one after the other. Fails closed: anything but a clear and timely yes is a no. */
export class Pipeline {
  readonly times = new PolicyTimes();

  constructor(
    private readonly clock: Clock,
    private readonly logger: Logger,
    private readonly timeoutMs: () => number,
  ) {}

  /** Synchronous unless one of the policies answers with a promise. */
  ask(
    policies: readonly Policy[],
    candidate: Candidate,
    view: TrackerView,
    waitsFor?: (policy: string) => void,
  ): Decision | Promise<Decision> {
    return new Asking(this, policies, candidate, view, this.clock, waitsFor).from(0);
  }

  /** Tells the policies that approved how it ended. */
  settle(decision: Decision, session: PlaySession | undefined): void {
    for (const { policy, candidate } of decision.approvals) this.settleOne(policy, candidate, session);
  }

  failure(policy: Policy, detail: string, error?: unknown): Refusal {
    const cause = error === undefined ? {} : { err: error };
    this.logger.error({ ...cause, policy: policy.name }, `a policy failed and so refuses: ${detail}`);
    return { allow: false, reason: 'policy_error', kind: 'overload', detail, denyForMs: 0 };
  }

  /** The verdict of the promise, or a refusal if it does not arrive in time. Never rejects. */
  inTime(policy: Policy, candidate: Candidate, answer: PromiseLike<Verdict>): Promise<Verdict> {
    return new Promise((resolve) => {
      const ms = this.timeoutMs();
      let late = false;
      const timer = this.clock.setTimeout(() => {
        late = true;
        resolve(this.failure(policy, `no answer within ${ms} ms`));
      }, ms);
      const finish = (verdict: Verdict): void => {
        this.clock.clearTimeout(timer);
        // The policy may have reserved something: it is told that its approval came to nothing.
        if (late && isVerdict(verdict) && verdict.allow) this.settleOne(policy, candidate, undefined);
        resolve(verdict);
      };
      answer.then(finish, (error: unknown) => {
        if (!late) finish(this.failure(policy, 'it rejected', error));
      });
    });
  }

  private settleOne(policy: Policy, candidate: Candidate, session: PlaySession | undefined): void {
    tellPolicy(this.logger, policy, 'settled', candidate, session);
  }
}

/** The parts of earlier approvals that a policy is told about. */
const TOLD = ['userId', 'maxSessions', 'continues', 'pass'] as const;

/** One round of asking the policies. */
class Asking {
  private readonly approvals: Yes[] = [];
  private readonly policyDecisions: PolicyDecision[] = [];
  private approval: Approval = { allow: true };

  constructor(
    private readonly pipeline: Pipeline,
    private readonly policies: readonly Policy[],
    private candidate: Candidate,
    private readonly view: TrackerView,
    private readonly clock: Clock,
    private readonly waitsFor: ((policy: string) => void) | undefined,
  ) {}

  from(index: number): Decision | Promise<Decision> {
    for (let i = index; i < this.policies.length; i++) {
      const policy = this.policies[i] as Policy;
      if (policy.admit === undefined) continue;
      const start = monotonic(this.clock);
      let answer: Verdict | PromiseLike<Verdict>;
      try {
        answer = policy.admit(this.candidate, this.view);
      } catch (error) {
        answer = this.pipeline.failure(policy, 'it threw', error);
      }
      if (isPromise(answer)) {
        this.waitsFor?.(policy.name);
        return this.pipeline
          .inTime(policy, this.candidate, answer)
          .then((verdict) => this.heard(policy, verdict, start) ?? this.from(i + 1));
      }
      const refused = this.heard(policy, answer, start);
      if (refused !== undefined) return refused;
    }
    return { verdict: this.approval, approvals: this.approvals, policyDecisions: this.policyDecisions };
  }

  /** Records an approval; a refusal ends the round. `start`: when the policy was asked, by the monotonic clock. */
  private heard(policy: Policy, answer: Verdict, start: number): Decision | undefined {
    this.pipeline.times.add(policy, monotonic(this.clock) - start);
    const at = this.clock.now();
    const verdict = isVerdict(answer)
      ? notExpired(kept(answer), at)
      : this.pipeline.failure(policy, 'it answered neither { allow: true } nor { allow: false, reason }');
    if (!verdict.allow) {
      this.policyDecisions.push(noOf(policy, verdict, at));
      const { approvals, policyDecisions } = this;
      return { verdict, refusedBy: policy, vouched: this.approval.userId, approvals, policyDecisions };
    }
    this.policyDecisions.push(yesOf(policy, verdict, at));
    this.approvals.push({ policy, candidate: this.candidate });
    this.approval = combine(this.approval, verdict);
    const { userId, maxSessions, continues, pass } = this.approval;
    // Later policies see whom the authorisers identified.
    if (TOLD.some((field) => verdict[field] !== undefined)) {
      this.candidate = { ...this.candidate, userId: userId ?? this.candidate.userId, maxSessions, continues, pass };
    }
    return undefined;
  }
}

/** A refusal in the form in which it is remembered. */
export const noOf = (policy: Policy, { reason, detail }: Refusal, at: number): PolicyDecision => ({
  policy: policy.name,
  allowed: false,
  reason,
  detail,
  at,
});

/** An approval in the form in which it is remembered. */
export const yesOf = (policy: Policy, { expiresAt, limits }: Approval, at: number): PolicyDecision => ({
  policy: policy.name,
  allowed: true,
  at,
  ...(expiresAt !== undefined && { expiresAt }),
  ...(limits !== undefined && { limits }),
});

/** An approval that expired before it was given is a refusal. */
function notExpired(verdict: Verdict, now: number): Verdict {
  if (!verdict.allow || verdict.expiresAt === undefined || verdict.expiresAt > now) return verdict;
  return { allow: false, reason: 'expired', kind: 'credentials', denyForMs: 0 };
}

/** Merges two approvals: the later name wins, the tighter limit applies, tags and replacements add up. */
export function combine(a: Approval, b: Approval): Approval {
  const merged: Approval = { allow: true };
  const set = <K extends keyof Approval>(key: K, value: Approval[K] | undefined): void => {
    if (value !== undefined) merged[key] = value;
  };
  set('userId', b.userId ?? a.userId);
  set('tags', a.tags && b.tags ? { ...a.tags, ...b.tags } : (b.tags ?? a.tags));
  set('replace', bothIds(a.replace, b.replace));
  set('release', bothIds(a.release, b.release));
  set('continues', b.continues ?? a.continues);
  set('pass', b.pass ?? a.pass);
  set('expiresAt', tighter(a.expiresAt, b.expiresAt));
  set('issuedAt', tighter(a.issuedAt, b.issuedAt));
  set('maxSessions', tighter(a.maxSessions, b.maxSessions));
  set('limits', tighterLimits(a.limits, b.limits));
  return merged;
}

function bothIds(a: Ids | undefined, b: Ids | undefined): Ids | undefined {
  return a === undefined || b === undefined ? (b ?? a) : () => [...idsOf(a), ...idsOf(b)];
}

/** @throws what the policy's function throws */
export const idsOf = (ids: Ids | undefined): readonly string[] =>
  ids === undefined ? [] : typeof ids === 'function' ? ids() : ids;
