import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';

/** Tells a process from all others, also from those that had its number before or get it later. */
export interface ProcessIdentity {
  readonly pid: number;
  /** When it began, in ticks since the machine did; undefined where nobody knows. */
  readonly started?: string | undefined;
  readonly host: string;
}

/** What this process is known by. */
export const thisProcess = (): ProcessIdentity => ({
  pid: process.pid,
  started: startOf(process.pid),
  host: hostname(),
});

/** Reads what `thisProcess()` was written down as, in JSON. Undefined: it is no such thing. */
export function readIdentity(text: string): ProcessIdentity | undefined {
  try {
    const found = JSON.parse(text) as ProcessIdentity;
    return Number.isInteger(found.pid) ? found : undefined;
  } catch {
    return undefined;
  }
}

/** Whether another process lives. Of another host nobody can tell: it is believed to. */
export function isAlive({ pid, started, host }: ProcessIdentity): boolean {
  if (host !== hostname()) return true;
  // a container's processes have the same numbers each time: it is one of before
  if (pid === process.pid) return false;
  try {
    process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
  return started === undefined || startOf(pid) === started;
}

/** Linux only. */
function startOf(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19];
  } catch {
    return undefined;
  }
}
