import { LONGEST_TIMER_MS } from '@stream-sessions/core/spi';

let awaited = 0;
let timer: NodeJS.Timeout | undefined;

/**
 * Keeps the process running while somebody waits for this: timers and sockets of a link do not, and Node ends a process, without a word,
 * in which nothing else goes on.
 */
export async function whileAwaited<T>(work: Promise<T>): Promise<T> {
  awaited++;
  timer ??= setInterval(() => undefined, LONGEST_TIMER_MS);
  try {
    return await work;
  } finally {
    if (--awaited === 0) {
      clearInterval(timer);
      timer = undefined;
    }
  }
}
