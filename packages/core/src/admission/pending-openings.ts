import { nameKey } from '../identity/name.js';
import { isPassword, offeredIn, offeredKey } from '../identity/offer.js';
import { prefixed } from '../identity/recipe.js';
import type { KeyedHash } from '../identity/keyed-hash.js';
import type { Decision } from '../policy/pipeline.js';
import type { Session } from '../session/session.js';
import { ownCopy } from '../support/strings.js';
import type { Refused } from '../denials/denials.js';
import type { Admission } from '../types/admission.js';
import type { ResolvedHit } from '../identity/resolved-hit.js';

/** The result of asking: a live session, a refusal, or undefined for a viewer admitted without being tracked. */
export type Outcome = Session | Refused | undefined;

export const isRefused = (outcome: Outcome): outcome is Refused => outcome !== undefined && 'admitted' in outcome;

/** The result of applying a decision. */
export interface Made {
  readonly outcome: Outcome;
  /** The session that was live beforehand. */
  readonly joined: Session | undefined;
}

/** What the policies said about one viewer in particular is not passed on to others who waited for the same answer. */
export function toAnother<H>(answer: Admission<H>): Admission<H> {
  if (answer.admitted) return answer;
  const { conflicts: _conflicts, remaining: _remaining, ...rest } = answer.denial;
  return { admitted: false, denial: Object.freeze(rest) };
}

/** The answer for a request that no longer waits for one. */
export function gone(now: number): Refused {
  const facts = { id: '', target: {}, by: 'cap', kind: 'overload', reason: 'client_gone', hits: 0 } as const;
  return { admitted: false, denial: { ...facts, since: now, until: now } };
}

/** A question that policies have not answered yet. Every request that asks the same thing meanwhile waits for the same answer. */
export class PendingOpening {
  /** Set by the first waiting request that nothing stops. */
  made: Made | undefined = undefined;
  private waiting = 0;
  private decision: Decision | undefined = undefined;
  private isOver = false;
  private readonly decided: Promise<Decision>;

  constructor(
    readonly askedAbout: ResolvedHit,
    /** A cap is reached: waiting requests are admitted, if at all, without being tracked. */
    readonly full: boolean,
    asked: Promise<Decision>,
    private readonly onOver: (decision: Decision, made: Made | undefined) => void,
  ) {
    this.decided = asked.then((decision) => {
      this.decision = decision;
      this.endIfAlone();
      return decision;
    });
  }

  /** Calls `use` for each waiting request in turn once the answer has arrived; `gone` for those that no longer wait by then. */
  wait<T>(use: (decision: Decision) => T, gone: () => T): Promise<T> & { cancel(): void } {
    let waits = true;
    this.waiting++;
    const leave = (): void => {
      this.waiting--;
      this.endIfAlone();
    };
    const answer = this.decided.then((decision) => {
      if (!waits) return gone();
      waits = false;
      try {
        return use(decision);
      } finally {
        leave();
      }
    });
    const cancel = (): void => {
      if (waits) leave();
      waits = false;
    };
    return Object.assign(answer, { cancel });
  }

  /** Nothing has to wait any more: the place it took up is free again. */
  end(made: Made | undefined): void {
    if (this.isOver) return;
    this.isOver = true;
    this.made = made;
    this.onOver(this.decision as Decision, made);
  }

  /** Every request has gone or was refused: nothing opens. */
  private endIfAlone(): void {
    if (this.waiting === 0 && this.decision !== undefined) this.end(undefined);
  }
}

/** The pending openings, and the places they take up. */
export class PendingOpenings {
  private readonly byKey = new Map<string, PendingOpening>();
  private readonly perNetwork = new Map<string, number>();
  private pending = 0;

  constructor(
    private readonly hash: KeyedHash,
    private readonly settle: (decision: Decision, made: Made | undefined) => void,
  ) {}

  get size(): number {
    return this.pending;
  }

  countAt(network: string): number {
    return this.perNetwork.get(network) ?? 0;
  }

  /** The opening whose answer also applies to this hit. */
  find(resolved: ResolvedHit): PendingOpening | undefined {
    return this.byKey.size === 0 ? undefined : this.byKey.get(keyOf(resolved, this.hash) ?? '');
  }

  begin(resolved: ResolvedHit, full: boolean, asked: Promise<Decision>): PendingOpening {
    const { network } = resolved;
    const key = keyOf(resolved, this.hash);
    const opening = new PendingOpening(resolved, full, asked, (decision, made) => {
      this.count(network, -1);
      if (key !== undefined) this.byKey.delete(key);
      this.settle(decision, made);
    });
    this.count(network, 1);
    if (key !== undefined) this.byKey.set(key, opening);
    return opening;
  }

  private count(network: string, change: 1 | -1): void {
    this.pending += change;
    const here = this.countAt(network) + change;
    if (here === 0) this.perNetwork.delete(network);
    else this.perNetwork.set(ownCopy(network), here);
  }
}

/**
 * Requests that would be one viewer and offer the same credentials wait for one answer. The key covers everything that makes up
 * the identity and everything that verdicts are keyed by. It is a hash, because clients choose how long these values are.
 * Undefined: the hit cannot be matched to another.
 */
function keyOf(
  { kind, hit, recipe, groupKey, network, namedBy, name }: ResolvedHit,
  hash: KeyedHash,
): string | undefined {
  if (groupKey === undefined || isPassword(hit.credentials)) return undefined;
  const viewer = recipe.byName ? nameKey(namedBy, name ?? hit.userAgent ?? '') : '';
  const parts = [kind, hit.stream, hit.protocol, groupKey, network, viewer, offeredKey(offeredIn(hit, hash))];
  return hash.once(parts.map(prefixed).join(''));
}
