import { ownCopy } from '@stream-sessions/core/spi';
import { emptyId, malformedId } from '../errors.js';

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

/** The canonical spelling of an id; undefined if it is not a UUID. Any version is accepted, including ids of other programs. */
export function idOf(id: unknown): string | undefined {
  return typeof id === 'string' && UUID.test(id) ? id.toLowerCase() : undefined;
}

/**
 * The canonical spelling, in its own memory: it is kept, and must not keep the URL that it was cut from.
 *
 * @throws StreamSessionsError ERR_BAD_SESSION_ID
 */
export function needId(id: unknown): string {
  if (id === '' || id === undefined || id === null) throw emptyId();
  const known = idOf(id);
  if (known === undefined) throw malformedId(id);
  return ownCopy(known);
}
