import { fork } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { libraryNames } from '../../src/binding/find-library.js';

export interface Rude {
  howMany: number;
  /** Milliseconds from being connected to hanging up. */
  holdMs: number;
  streamId?: string;
  /** Sends all that libsrt takes. */
  floods?: boolean;
  latencyMs?: number;
}

export interface Done {
  connected: number;
  /** Floods that were ended before they hung up. */
  cut: number;
  /** Bytes. */
  sent: number;
}

/** Real callers in a process of their own; resolves when all have hung up, with what they have got done. */
export async function rudeCallers(port: number, rude: Rude): Promise<Done> {
  const names = libraryNames(process.platform);
  const options = { streamId: 'cam1', floods: false, latencyMs: 20, ...rude, port, names };
  const child = fork(path.join(__dirname, 'rude-callers.mjs'), [JSON.stringify(options)], { execArgv: [] });
  const gone = once(child, 'exit');
  const [done] = (await once(child, 'message')) as [Done];
  await gone;
  return done;
}
