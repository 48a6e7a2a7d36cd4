/** Asks only once for concurrent callers, so that several metrics of one scrape are from the same moment. */
export function sharedAnswer<T>(ask: () => T | Promise<T>): () => Promise<T> {
  let asked: Promise<T> | undefined;
  return () => {
    asked ??= (async () => ask())().finally(() => (asked = undefined));
    return asked;
  };
}
