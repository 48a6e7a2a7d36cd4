/** Calls back whoever wrote a piece that is not written yet, or never will be: writers wait for it. */
export function callSoon(encoding: unknown, callback: unknown, error?: Error): void {
  const call = typeof encoding === 'function' ? encoding : callback;
  if (typeof call === 'function') process.nextTick(call, error);
}
