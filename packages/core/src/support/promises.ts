/**
 * Returns what a callback of the user's has answered, which must be known at once.
 *
 * @throws TypeError for a promise, whose rejection is not unhandled then
 */
export function atOnce<T>(answer: T, callback: string): T {
  if (!isPromise(answer as unknown)) return answer;
  (answer as PromiseLike<unknown>).then(undefined, () => undefined);
  throw new TypeError(`${callback} must not be async`);
}

/** Also of another realm, or another library: whatever has `then()`. */
export const isPromise = <T>(value: T | PromiseLike<T>): value is PromiseLike<T> =>
  typeof (value as { then?: unknown } | null)?.then === 'function';
