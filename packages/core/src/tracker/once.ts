import { gone } from '../admission/pending-openings.js';
import type { VisitQuestions } from '../admission/visit-questions.js';
import type { Clock } from '../support/clock.js';
import { isPromise } from '../support/promises.js';
import type { Admission, PendingAdmission } from '../types/admission.js';
import type { FoundVisit } from '../types/cluster.js';

/** Asks as soon as the awaited value is available. `gone`: the answer for a caller that no longer waits. */
export function once<T, H>(
  awaited: Promise<T>,
  ask: (value: T) => Admission<H> | PendingAdmission<H>,
  gone: () => Admission<H>,
): PendingAdmission<H> {
  let isCancelled = false;
  let asked: Admission<H> | PendingAdmission<H> | undefined;
  const answer = awaited.then((value) => {
    if (isCancelled) return gone();
    asked = ask(value);
    return asked;
  });
  const cancel = (): void => {
    isCancelled = true;
    if (asked !== undefined && isPromise(asked)) asked.cancel();
  };
  return Object.assign(answer, { cancel });
}

/** Asks once the cluster has said whose hit it is; null: nobody could tell. The cluster is told when that is settled. */
export function onceFound<H>(
  question: Promise<FoundVisit | undefined>,
  { clock, visits }: { readonly clock: Clock; readonly visits: VisitQuestions },
  ask: (found: FoundVisit | null) => Admission<H> | PendingAdmission<H>,
): PendingAdmission<H> {
  const answer = once(
    question,
    (found) => ask(found ?? null),
    () => gone(clock.now()),
  );
  const over = (): void => void question.then((found) => visits.settled(found));
  answer.then(over, over);
  return answer;
}
