import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';

/** Distinguishes a process from all others, including those that have the same pid earlier or later. */
export interface ProcessIdentity {
  readonly pid: number;
  /** When it started, in ticks since boot; undefined if unknown. */
  readonly started?: string | undefined;
  readonly host: string;
}

/** The identity of this process. */
export const thisProcess = (): ProcessIdentity => ({
  pid: process.pid,
  started: startOf(process.pid),
  host: hostname(),
});

/** Parses the JSON form of `thisProcess()`. Undefined if it is something else. */
export function readIdentity(text: string): ProcessIdentity | undefined {
  try {
    const found = JSON.parse(text) as ProcessIdentity;
    return Number.isInteger(found.pid) ? found : undefined;
  } catch {
    return undefined;
  }
}

/** Whether another process is alive. On another host this is unknown, and it is assumed to be. */
export function isAlive({ pid, started, host }: ProcessIdentity): boolean {
  if (host !== hostname()) return true;
  // a container's processes get the same pids each time: this is an earlier one
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
