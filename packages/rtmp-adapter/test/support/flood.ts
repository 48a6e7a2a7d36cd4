import { fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { heldBytes } from '@stream-sessions/core/testing';

export interface Flood {
  readonly port: number;
  readonly connections: number;
  /** Said once. */
  readonly head: Buffer;
  /** Said again and again, until so many bytes are said over each connection. */
  readonly body: Buffer;
  readonly bytes: number;
  /** It reads no answer. */
  readonly isDeaf?: boolean;
}

export interface Flooded {
  /** Bytes that the server's side took, of all connections together. */
  readonly sent: number;
  /** Connections that the server ended. */
  readonly cut: number;
  /** How much the memory that this process holds, which has the server in it, grew at the most. */
  readonly grown: number;
}

/** Less than this is not looked into. Bytes. */
const LITTLE = 16 * 1024 * 1024;
/** How long the server is left alone between two collections of garbage. Milliseconds. */
const PAUSE_MS = 1_000;

/** Floods the server of this process from another one, and watches its memory meanwhile. */
export async function flood({ head, body, ...rest }: Flood): Promise<Flooded> {
  const before = heldBytes();
  const rss = process.memoryUsage.rss();
  let grown = 0;
  let nextAt = 0;
  // after other suites, V8 lets garbage grow to hundreds of megabytes: only what is still held after collecting it counts
  const look = (): void => {
    const rssGrown = process.memoryUsage.rss() - rss;
    grown = Math.max(grown, rssGrown < LITTLE ? rssGrown : heldBytes() - before);
    if (rssGrown >= LITTLE) nextAt = performance.now() + PAUSE_MS;
  };
  const watch = setInterval(() => {
    if (performance.now() >= nextAt) look();
  }, 20);
  const child = fork(join(__dirname, 'flooder.mjs'), { execArgv: [] });
  child.send({ ...rest, head: head.toString('base64'), body: body.toString('base64') });
  const [result] = (await once(child, 'message')) as [{ sent: number; cut: number }];
  clearInterval(watch);
  look();
  await once(child, 'exit');
  return { ...result, grown };
}
