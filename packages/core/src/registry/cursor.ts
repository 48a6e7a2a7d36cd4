import { StreamSessionsError } from '../support/errors.js';
import type { PlaySession, SessionOrder } from '../types/play-session.js';

/** A position in the order of lists: by opening time, then id. It stays valid after its row is gone. */
export interface Position {
  readonly openedAt: number;
  readonly id: string;
}

/** A position in a list that is sorted by something else first. Infinity: not closed yet. */
export interface ValuedPosition extends Position {
  readonly value: number;
}

/** The sort keys other than the opening time; the letter marks them in cursors. */
export const VALUES = {
  '-bytes': { letter: 'b', of: ({ bytes }: Valued) => bytes },
  '-closedAt': { letter: 'c', of: ({ closedAt = Infinity }: Valued) => closedAt },
} as const;

type Valued = Pick<PlaySession, 'bytes' | 'closedAt'>;
export type ValueOrder = keyof typeof VALUES;

export const isByValue = (order: SessionOrder): order is ValueOrder => Object.hasOwn(VALUES, order);

/**
 * The position of this row, for `SessionFilter.after` and the REST API's `after`. `order` is that of the list; a cursor of
 * `openedAt` also works for `-openedAt`, and vice versa.
 */
export function cursorOf(
  session: Pick<PlaySession, 'openedAt' | 'id'> & Partial<Valued>,
  order: SessionOrder = 'openedAt',
): string {
  const place = `${session.openedAt}:${session.id}`;
  if (!isByValue(order)) return Buffer.from(place).toString('base64url');
  const { letter, of } = VALUES[order];
  return Buffer.from(`${letter}${of({ bytes: 0, ...session })}:${place}`).toString('base64url');
}

/** @throws StreamSessionsError ERR_BAD_CURSOR if it does not come from `cursorOf`, or was made for another order. */
export function positionOf(cursor: string, order: SessionOrder = 'openedAt'): ValuedPosition {
  const text = Buffer.from(cursor, 'base64url').toString();
  const [, letter = '', value = '', openedAt, id] = /^(?:([bc])([\w.+]{1,32}):)?(\d{1,16}):(.+)$/s.exec(text) ?? [];
  const expected = isByValue(order) ? VALUES[order].letter : '';
  if (openedAt === undefined || id === undefined || letter !== expected || Number.isNaN(Number(value))) {
    throw new StreamSessionsError(
      'ERR_BAD_CURSOR',
      'This cursor does not come from cursorOf() of this order. Start without `after`.',
    );
  }
  return { value: Number(value), openedAt: Number(openedAt), id };
}

export const byPosition = (a: Position, b: Position): number =>
  a.openedAt - b.openedAt || (a.id < b.id ? -1 : a.id > b.id ? 1 : 0);
