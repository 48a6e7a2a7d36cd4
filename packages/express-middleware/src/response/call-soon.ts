/** Calls the callback of a piece that has not been written yet, or never will be, because the writer waits for it. */
export function callSoon(encoding: unknown, callback: unknown, error?: Error): void {
  const call = typeof encoding === 'function' ? encoding : callback;
  if (typeof call === 'function') process.nextTick(call, error);
}
