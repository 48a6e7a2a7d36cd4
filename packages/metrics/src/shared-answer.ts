/** Asks once for all who ask at the same time: several metrics of one scrape are of one moment. */
export function sharedAnswer<T>(ask: () => T | Promise<T>): () => Promise<T> {
  let asked: Promise<T> | undefined;
  return () => {
    asked ??= (async () => ask())().finally(() => (asked = undefined));
    return asked;
  };
}
