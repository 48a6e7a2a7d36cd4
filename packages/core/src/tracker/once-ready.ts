import { isPromise } from '../support/promises.js';
import type { Admission, PendingAdmission } from '../types/admission.js';

/** Asks as soon as the tracker is ready. `gone`: the answer for one who no longer waits for it. */
export function onceReady<H>(
  ready: Promise<void>,
  ask: () => Admission<H> | PendingAdmission<H>,
  gone: () => Admission<H>,
): PendingAdmission<H> {
  let isCancelled = false;
  let asked: Admission<H> | PendingAdmission<H> | undefined;
  const answer = ready.then(() => {
    if (isCancelled) return gone();
    asked = ask();
    return asked;
  });
  const cancel = (): void => {
    isCancelled = true;
    if (asked !== undefined && isPromise(asked)) asked.cancel();
  };
  return Object.assign(answer, { cancel });
}
