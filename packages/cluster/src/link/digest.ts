import { createHash } from 'node:crypto';
import type { Step } from './link.js';

const digests = new WeakMap<Step, string>();

/** The name under which a server caches the script of a step. */
export function digestOf(step: Step): string {
  let digest = digests.get(step);
  if (digest === undefined) digests.set(step, (digest = createHash('sha1').update(step.lua).digest('hex')));
  return digest;
}
