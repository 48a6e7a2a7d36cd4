import { PASS_TYPES } from '../types/session-data.js';
import type { Pass, PassChange, Spending } from '../types/store.js';

/** A clock that is further ahead than this was wrong: it must not allow free watching until it comes true. */
const MAX_SKEW_MS = 60_000;
const MAX_WRITERS = 16;
/** Retries come soon, so few keys are needed. */
const MAX_TOP_UPS = 64;

/** Rounded to the millisecond and the byte, so that sums stay exact. */
const seconds = (ms: number): number => Math.round(ms) / 1e3;
const megabytes = (bytes: number): number => Math.round(bytes) / 1e6;

/** Milliseconds used up. */
export const usedMs = ({ timeCons }: { readonly timeCons: number }): number => Math.round(timeCons * 1e3);
/** Bytes used up. */
export const usedBytes = ({ dataCons }: { readonly dataCons: number }): number => Math.round(dataCons * 1e6);

/**
 * The pass after this spending: the rule by which all stores count. Time counts from where it was last billed, so that no second
 * is billed twice, whoever reported it; a spending that was counted before changes nothing.
 */
export function applySpending(pass: Pass, spending: Spending): Pass {
  const { writer, op, from, to, bytes, startedAt, now } = spending;
  if ((pass.ops[writer] ?? -Infinity) >= op) return pass;
  const billed = billedUntil(pass, now);
  const ms = pass.type === PASS_TYPES.data ? 0 : Math.max(0, to - Math.max(from, billed));
  return {
    ...pass,
    timeCons: seconds(usedMs(pass) + ms),
    dataCons: pass.type === PASS_TYPES.time ? pass.dataCons : megabytes(usedBytes(pass) + bytes),
    startedAt: pass.startedAt ?? startedAt,
    billedUntil: Math.max(billed, to),
    ops: latest({ ...without(pass.ops, writer), [writer]: op }, MAX_WRITERS),
  };
}

/** The pass after this change. One whose key was counted before changes nothing, nor does a top-up of a pass that was ended. */
export function applyChange(pass: Pass, change: PassChange): Pass {
  const { addSecs = 0, addMb = 0, addDays = 0, endedAt, once } = change;
  if (pass.endedAt !== null || (once !== undefined && pass.topUps?.[once.key] !== undefined)) return pass;
  return {
    ...pass,
    ...(once && { topUps: latest({ ...pass.topUps, [once.key]: once.terms }, MAX_TOP_UPS) }),
    timeSecs: seconds(pass.timeSecs * 1e3 + addSecs * 1e3),
    dataMb: megabytes(pass.dataMb * 1e6 + addMb * 1e6),
    expDays: pass.expDays === null ? null : pass.expDays + addDays,
    endedAt: endedAt ?? null,
  };
}

/** Until when it was billed; a time from a clock that has since been set back is ignored. */
export function billedUntil(pass: Pick<Pass, 'billedUntil'>, now: number): number {
  const at = pass.billedUntil ?? -Infinity;
  return at > now + MAX_SKEW_MS ? -Infinity : at;
}

const without = (ops: Pass['ops'], writer: string): Record<string, number> =>
  Object.fromEntries(Object.entries(ops).filter(([name]) => name !== writer));

/** The most recent entries. */
export const latest = <V>(entries: Record<string, V>, max: number): Record<string, V> =>
  Object.fromEntries(Object.entries(entries).slice(-max));
