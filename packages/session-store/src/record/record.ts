import { badSession, corrupt, tooLarge } from '../errors.js';
import { joinMembers, splitMembers } from './json-members.js';
import { formatRfc3339, parseRfc3339 } from './rfc3339.js';

/** Sessions whose JSON is longer than this are refused. Characters. */
export const MAX_TEXT_LENGTH = 1_048_576;

/** A stored session, parsed. It is shared, so it must not be changed. */
export interface SessionRecord {
  readonly id: string;
  readonly type: string;
  /** Epoch milliseconds, as {@link updatedAt}. */
  readonly createdAt: number;
  readonly updatedAt: number;
  readonly data: unknown;
  readonly metadata: Readonly<Record<string, string>>;
  /** Random, generated when the session was created; empty if another program wrote it. */
  readonly nonce: string;
}

/** Whether both are the same session, rather than one and a later replacement. ToolHive drops the nonce when it writes. */
export function isSame(a: SessionRecord, b: SessionRecord): boolean {
  return a.createdAt === b.createdAt && (a.nonce === b.nonce || a.nonce === '' || b.nonce === '');
}

/** What has changed in a session since it was read. Absent: unchanged. */
export interface Changes {
  readonly updatedAt?: number;
  /** JSON; the empty string removes the data. */
  readonly data?: string;
  /** By key; undefined removes one. */
  readonly metadata?: ReadonlyMap<string, string | undefined>;
}

type Stored = Record<string, unknown>;

/**
 * Parses what is stored under an id: the JSON of ToolHive's sessions, along with any other members.
 *
 * @throws StreamSessionsError ERR_STORE_CORRUPT
 */
export function decodeRecord(id: string, text: string): SessionRecord {
  let stored: Stored;
  try {
    stored = JSON.parse(text) as Stored;
  } catch (cause) {
    throw corrupt(id, 'it is not JSON', cause);
  }
  if (typeof stored !== 'object' || stored === null || Array.isArray(stored)) throw corrupt(id, 'it is not an object');
  const { type, created_at: created, updated_at: updated, data, nonce } = stored;
  const createdAt = parseRfc3339(created);
  const updatedAt = updated === created ? createdAt : parseRfc3339(updated);
  const metadata = stored['metadata'] ?? {};
  // kept instead of the given one, which may be cut from a request
  const own = asText(stored['id']).toLowerCase();
  if (own !== id) throw corrupt(id, '"id" is another one');
  if (typeof type !== 'string' || type === '') throw corrupt(id, '"type" is not a non-empty string');
  if (createdAt === undefined) throw corrupt(id, '"created_at" is not an RFC 3339 time');
  if (updatedAt === undefined) throw corrupt(id, '"updated_at" is not an RFC 3339 time');
  if (!isTextMap(metadata)) throw corrupt(id, '"metadata" is not an object of strings');
  return { id: own, type, createdAt, updatedAt, data, metadata, nonce: asText(nonce) };
}

const asText = (value: unknown): string => (typeof value === 'string' ? value : '');

/** Lets the `create` of a storage recognise its own session, if that has a nonce. */
export function nonceOf(text: string): string | undefined {
  try {
    return asText((JSON.parse(text) as Stored | null)?.['nonce']) || undefined;
  } catch {
    return undefined;
  }
}

export function isTextMap(value: unknown): value is Record<string, string> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  // JSON.parse() makes plain objects: nothing is inherited
  for (const key in value) if (typeof (value as Record<string, unknown>)[key] !== 'string') return false;
  return true;
}

/**
 * The JSON of a new session.
 *
 * @throws StreamSessionsError ERR_SESSION_TOO_LARGE
 */
export function encodeRecord(fields: Omit<SessionRecord, 'data'> & { data: string }): string {
  const members = new Map([
    ['id', JSON.stringify(fields.id)],
    ['type', JSON.stringify(fields.type)],
    ['created_at', `"${formatRfc3339(fields.createdAt)}"`],
    ['updated_at', `"${formatRfc3339(fields.updatedAt)}"`],
  ]);
  if (fields.data !== '') members.set('data', fields.data);
  if (Object.keys(fields.metadata).length > 0) members.set('metadata', JSON.stringify(fields.metadata));
  members.set('nonce', JSON.stringify(fields.nonce));
  return bounded(joinMembers(members));
}

/**
 * The stored JSON with these changes, and everything else as written.
 *
 * @throws StreamSessionsError ERR_SESSION_TOO_LARGE
 */
export function changeRecord(text: string, record: SessionRecord, changes: Changes): string {
  const members = splitMembers(text);
  // another node may have touched it later than this one
  if (changes.updatedAt !== undefined && changes.updatedAt > record.updatedAt) {
    members.set('updated_at', `"${formatRfc3339(changes.updatedAt)}"`);
  }
  if (changes.data === '') members.delete('data');
  else if (changes.data !== undefined) members.set('data', changes.data);
  if (changes.metadata !== undefined) {
    const merged = new Map(Object.entries(record.metadata));
    for (const [key, value] of changes.metadata) {
      if (value === undefined) merged.delete(key);
      else merged.set(key, value);
    }
    if (merged.size === 0) members.delete('metadata');
    else members.set('metadata', JSON.stringify(Object.fromEntries(merged)));
  }
  return bounded(joinMembers(members));
}

function bounded(text: string): string {
  if (text.length > MAX_TEXT_LENGTH) throw tooLarge(text.length, MAX_TEXT_LENGTH);
  return text;
}

/**
 * Data as JSON; the empty text for none.
 *
 * @throws StreamSessionsError ERR_BAD_SESSION if JSON cannot represent it
 */
export function encodeData(data: unknown): string {
  if (data === undefined) return '';
  let text: string | undefined;
  try {
    text = JSON.stringify(data);
  } catch (cause) {
    throw badSession('The data of a session has to be what JSON can hold: no circle, no BigInt, not too deep.', cause);
  }
  if (text === undefined) throw badSession(`The data of a session has to be what JSON can hold, not a ${typeof data}.`);
  return text;
}
