import type { PlaySession } from '@stream-sessions/core';
import type { Happening } from '../visits/happening.js';

/** The visit has already ended here, but its beginning is reported first. */
export function asLive({ closedAt: _at, closeReason: _why, closeDetail: _detail, ...row }: PlaySession): PlaySession {
  return row;
}

type Figures = Pick<Happening, 'updatedAt' | 'bytes' | 'bytesReceived'>;

/** The whole visit, of which this row was the last part. */
export function wholeOf(row: PlaySession, { updatedAt, bytes, bytesReceived }: Figures): PlaySession {
  const later = Math.max(0, updatedAt - row.updatedAt);
  return { ...row, updatedAt: row.updatedAt + later, durationMs: row.durationMs + later, bytes, bytesReceived };
}
