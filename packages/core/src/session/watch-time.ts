import type { Protocol } from '../types/kinds.js';
import type { RareFields } from './rare-fields.js';
import type { SharedFields } from './shared-fields.js';

/** The fields of a session that determine how long it was watched. */
interface Watched {
  readonly rare: RareFields | undefined;
  readonly rareFields: RareFields;
  readonly protocol: Protocol;
  readonly openedAt: number;
  updatedAt: number;
  sharedFields: SharedFields;
}

/** Switches to another protocol: the time until now counts towards the previous one. */
export function changeProtocol(session: Watched, sharedFields: SharedFields, now: number): void {
  const rare = session.rareFields;
  const watched = (rare.watchedMs ??= new Map<Protocol, number>());
  const since = rare.protocolSince || session.openedAt + rare.absentMs;
  watched.set(session.protocol, (watched.get(session.protocol) ?? 0) + now - since);
  rare.protocolSince = now;
  session.sharedFields = sharedFields;
}

/** Watch time per protocol until `end`; undefined if there was only one. */
export function durationMsByProtocol(
  { rare, protocol }: Pick<Watched, 'rare' | 'protocol'>,
  end: number,
): Readonly<Record<string, number>> | undefined {
  if (rare?.watchedMs === undefined) return undefined;
  const latest = (rare.watchedMs.get(protocol) ?? 0) + Math.max(0, end - rare.protocolSince);
  return Object.freeze({ ...Object.fromEntries(rare.watchedMs), [protocol]: latest });
}

/** Continues after a gap in which nothing could be observed: anything beyond `idleMs` of it was not watch time. */
export function comeBack(session: Watched, now: number, idleMs: number): void {
  const gap = now - session.updatedAt;
  // The clock may have been set back since.
  const absentMs = gap < 0 ? gap : Math.max(0, gap - idleMs);
  const rare = session.rareFields;
  rare.absentMs += absentMs;
  if (rare.protocolSince !== 0) rare.protocolSince += absentMs;
  session.updatedAt += absentMs;
}
