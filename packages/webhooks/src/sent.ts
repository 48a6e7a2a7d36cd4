import { randomUUID } from 'node:crypto';
import type { PlaySession } from '@stream-sessions/core';
import type { Sent } from './journal/records.js';
import type { Crossing } from './thresholds.js';

export const idOf = (uuid: string): string => `msg_${uuid.replaceAll('-', '')}`;

export const newId = (): string => idOf(randomUUID());

export const visitOf = ({ id, openedAt }: PlaySession): string => `${id}@${openedAt}`;

/** What can be reported about a lost visit. Kept for each of a hundred thousand sessions when webhooks start late. */
export const essence = ({ id, stream, kind, protocol, ip, userName, openedAt }: PlaySession) => ({
  id,
  session_id: id,
  stream_code: stream,
  kind,
  proto: protocol,
  ip,
  user_name: userName,
  opened_at: new Date(openedAt).toISOString(),
});

/** A stream has no publishers any more. */
export const publisherLost = ({ id, stream, closeReason }: PlaySession, at: number): Sent => ({
  ...{ id: newId(), at, type: 'stream.publisher_lost', stream_code: stream },
  payload: { reason: closeReason, publisher: id },
});

/** A stream has crossed a limit. */
export const limitCrossed = (at: number, stream: string, viewers: number, { type, limit }: Crossing): Sent => ({
  ...{ id: newId(), at, type, stream_code: stream },
  payload: { viewers, limit },
});
