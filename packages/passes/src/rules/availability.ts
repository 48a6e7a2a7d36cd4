import { LAST_MS } from '@stream-sessions/core/spi';
import { PASS_TYPES, type SessionData } from '../types/session-data.js';
import type { Pass } from '../types/store.js';
import { usedBytes, usedMs } from './spending.js';

/** Whether `timeSecs` counts towards the expiry: the pass lasts that long plus the days, or only the days. */
export type Expiry = 'time-and-days' | 'days-only';

/** Why a pass can no longer be used. */
export type Over = 'quota_time' | 'quota_data' | 'expired';

const DAY_MS = 86_400_000;

/** The moment, or Infinity if it is beyond all dates: what sellers write for "never" may be 999,999,999 days. */
export const orNever = (at: number): number => (at > LAST_MS ? Infinity : at);

/** Milliseconds that may still be watched; Infinity if time does not count. */
export const leftMs = (data: SessionData): number =>
  data.type === PASS_TYPES.data ? Infinity : Math.max(0, Math.round(data.timeSecs * 1e3) - usedMs(data));

/** Bytes that may still flow; Infinity if data does not count. */
export const leftBytes = (data: SessionData): number =>
  data.type === PASS_TYPES.time ? Infinity : Math.max(0, Math.round(data.dataMb * 1e6) - usedBytes(data));

/** When it ends whatever is left, in epoch milliseconds; Infinity: never, or not until it has begun. */
export function expiresAt(data: Lasting, expiry: Expiry): number {
  const expires = data.startedAt === null ? Infinity : orNever(data.startedAt + lifeMs(data, expiry));
  return data.endedAt === null ? expires : Math.min(expires, data.endedAt);
}

/** What is needed to determine when a pass ends. */
type Lasting = SessionData & Pick<Pass, 'endedAt'>;

/** How long it lasts once it has begun. */
export function lifeMs({ type, timeSecs, expDays }: SessionData, expiry: Expiry): number {
  if (expDays === null) return Infinity;
  const time = type === PASS_TYPES.data || expiry === 'days-only' ? 0 : Math.round(timeSecs * 1e3);
  return time + expDays * DAY_MS;
}

/** Why it can no longer be used at this time; undefined: it can. Exhaustion takes precedence over expiry. */
export function overAt(pass: Lasting, now: number, expiry: Expiry): Over | undefined {
  if (leftMs(pass) === 0) return 'quota_time';
  if (leftBytes(pass) === 0) return 'quota_data';
  return now >= expiresAt(pass, expiry) ? 'expired' : undefined;
}

/** The order in which passes are used: begun ones first, then the earliest expiry, then the oldest, then by id. */
export function inOrder(a: Pass, b: Pass, expiry: Expiry): number {
  if ((a.startedAt === null) !== (b.startedAt === null)) return a.startedAt === null ? 1 : -1;
  const [ends, others] = [expiresAt(a, expiry), expiresAt(b, expiry)];
  if (ends !== others) return ends < others ? -1 : 1;
  return a.createdAt - b.createdAt || (a.id < b.id ? -1 : 1);
}
