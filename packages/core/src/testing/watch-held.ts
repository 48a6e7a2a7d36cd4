import { heldBytes } from './heap.js';

/** Less than this is not looked into. Bytes. */
const LITTLE = 16 * 1024 * 1024;
/** How long the process is left alone between two collections of garbage. Milliseconds. */
const PAUSE_MS = 1_000;
const LOOK_EVERY_MS = 20;

/**
 * Watches how much more memory this process holds from now on. After other suites, V8 lets garbage grow to hundreds of megabytes: only
 * what is still held after collecting it counts.
 *
 * @returns a function that ends this, and returns how much it has grown at the most, in bytes
 */
export function watchHeld(): () => number {
  const before = heldBytes();
  const rss = process.memoryUsage.rss();
  let grown = 0;
  let nextAt = 0;
  const look = (): void => {
    const rssGrown = process.memoryUsage.rss() - rss;
    grown = Math.max(grown, rssGrown < LITTLE ? rssGrown : heldBytes() - before);
    if (rssGrown >= LITTLE) nextAt = performance.now() + PAUSE_MS;
  };
  const timer = setInterval(() => {
    if (performance.now() >= nextAt) look();
  }, LOOK_EVERY_MS);
  return () => {
    clearInterval(timer);
    look();
    return grown;
  };
}
