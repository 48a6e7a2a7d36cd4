import type { PlaySession } from '@stream-sessions/core';
import { playerOf } from '../write/player.js';
import type { Present } from './brute-force.js';
import { madeUpSession } from './stage.js';

const SECOND = 1_000;
const HOUR = 3_600 * SECOND;
const STREAMS = ['cam1', 'cam2', 'talk'] as const;
const PROTOCOLS = ['hls', 'dash', 'rtmp'] as const;
const COUNTRIES = ['DE', 'FR', 'US', undefined] as const;
const AGENTS = ['VLC/3.0.20 LibVLC/3.0.20', 'Mozilla/5.0 Firefox/140.0', undefined] as const;
const TAGS = [{}, { plan: 'gold' }, { plan: 'trial', room: 'a=b' }] as const;
const REASONS = ['idle', 'client_gone', 'kicked'] as const;

/** The same seed gives the same numbers, so that a failure can be reproduced. */
export function randomOf(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Closed sessions that opened over several hours: most are short, some last for hours, some have no duration. */
export function randomSessions(count: number, start: number, hours: number, random: () => number): PlaySession[] {
  const pick = <T>(from: readonly T[]): T => from[Math.floor(random() * from.length)] as T;
  return Array.from({ length: count }, (_, n) => {
    const openedAt = start + Math.floor(random() * hours * HOUR);
    const durationMs = Math.floor(random() < 0.1 ? random() * 3 * HOUR : random() ** 3 * 300 * SECOND);
    const stream = pick(STREAMS);
    const protocol = pick(PROTOCOLS);
    const userAgent = pick(AGENTS);
    const country = pick(COUNTRIES);
    return madeUpSession({
      id: n.toString(16).padStart(16, '0'),
      userName: `user ${Math.floor(random() * count * 0.4)}`,
      stream,
      streams: [stream],
      protocol,
      protocols: [protocol],
      dvr: random() < 0.2,
      ...(userAgent === undefined ? { userAgent: undefined } : { userAgent }),
      ...(country === undefined ? { country: undefined } : { country }),
      tags: pick(TAGS),
      bytes: Math.floor(random() * 10_000_000),
      openedAt,
      updatedAt: openedAt + durationMs,
      closedAt: openedAt + durationMs + Math.floor(random() * 30 * SECOND),
      closeReason: pick(REASONS),
      durationMs,
    });
  });
}

/** The parts of a session that are counted. */
export const presentOf = (session: PlaySession): Present => ({
  stream: session.stream,
  dvr: session.dvr,
  protocol: session.protocol,
  country: session.country ?? '',
  player: playerOf(session.userAgent),
  reason: session.closeReason ?? '',
  viewer: session.userName,
  openedAt: session.openedAt,
  endedAt: Math.max(session.updatedAt, session.openedAt + SECOND),
  bytes: session.bytes,
});
