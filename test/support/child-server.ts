import { type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import type { Readable } from 'node:stream';

/** Until the child says on this stream that it is ready; what it says afterwards is let go. */
export async function untilReady(child: ChildProcess, stream: Readable | null, words: RegExp): Promise<void> {
  let said = '';
  await new Promise<void>((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (code) => reject(new Error(`${child.spawnfile} ended with ${code}:\n${said}`)));
    stream?.on('data', (text: Buffer) => {
      said = (said + text.toString()).slice(-4_000);
      if (words.test(said)) resolve();
    });
  });
}

/** Sends it a signal, and resolves when it has ended, or had before. */
export async function endChild(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, 'exit');
  child.kill(signal);
  await exited;
}
