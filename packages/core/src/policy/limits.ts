import type { Limits } from '../types/limits.js';

/** The smaller of two bounds; undefined means no bound. */
export const tighter = (a: number | undefined, b: number | undefined): number | undefined =>
  a === undefined ? b : b === undefined ? a : Math.min(a, b);

/** Limits that satisfy both. */
export function tighterLimits(a: Limits | undefined, b: Limits | undefined): Limits | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  const downMbits = tighter(a.downMbits, b.downMbits);
  const upMbits = tighter(a.upMbits, b.upMbits);
  return { ...(downMbits === undefined ? {} : { downMbits }), ...(upMbits === undefined ? {} : { upMbits }) };
}
