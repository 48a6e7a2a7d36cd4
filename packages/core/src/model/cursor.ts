import { StreamSessionsError } from '../support/errors.js';
import type { PlaySession } from './play-session.js';

/** A place in the order of lists: by opening time, then id. It outlives the row it was taken from. */
export interface Position {
  readonly openedAt: number;
  readonly id: string;
}

/** The place of this row, for `SessionFilter.after` and the REST API's `after`. */
export function cursorOf(session: Pick<PlaySession, 'openedAt' | 'id'>): string {
  return Buffer.from(`${session.openedAt}:${session.id}`).toString('base64url');
}

/** @throws StreamSessionsError ERR_BAD_CURSOR when it does not come from `cursorOf`. */
export function positionOf(cursor: string): Position {
  const [, openedAt, id] = /^(\d{1,16}):(.+)$/s.exec(Buffer.from(cursor, 'base64url').toString()) ?? [];
  if (openedAt === undefined || id === undefined) {
    throw new StreamSessionsError(
      'ERR_BAD_CURSOR',
      'This cursor does not come from cursorOf(). Start without `after`.',
    );
  }
  return { openedAt: Number(openedAt), id };
}

export const byPosition = (a: Position, b: Position): number =>
  a.openedAt - b.openedAt || (a.id < b.id ? -1 : a.id > b.id ? 1 : 0);
