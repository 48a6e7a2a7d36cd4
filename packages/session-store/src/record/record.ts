import { badSession, corrupt, tooLarge } from '../errors.js';
import { joinMembers, splitMembers } from './json-members.js';
import { formatRfc3339, parseRfc3339 } from './rfc3339.js';

/** Sessions that are longer than this as JSON are refused. */
export const MAX_TEXT_LENGTH = 1_048_576;

/** A stored session, parsed. It is shared, so nobody changes it. */
export interface SessionRecord {
  readonly id: string;
  readonly type: string;
  /** Epoch milliseconds, as {@link updatedAt}. */
  readonly createdAt: number;
  readonly updatedAt: number;
  readonly data: unknown;
  readonly metadata: Readonly<Record<string, string>>;
  /** Drawn when the session was created; empty where another program wrote it. */
  readonly nonce: string;
}

/** Whether both are the same session, rather than one and a later one that took its place. ToolHive drops the nonce as it writes. */
export function isSame(a: SessionRecord, b: SessionRecord): boolean {
  return a.createdAt === b.createdAt && (a.nonce === b.nonce || a.nonce === '' || b.nonce === '');
}

/** What has changed of a session since it was read. Absent: as it was. */
export interface Changes {
  readonly updatedAt?: number;
  /** JSON; the empty text takes the data away. */
  readonly data?: string;
  /** By key; undefined takes one away. */
  readonly metadata?: ReadonlyMap<string, string | undefined>;
}

type Stored = Record<string, unknown>;

/**
 * Reads what is stored under an id: the JSON of ToolHive's sessions, with whatever else stands in it.
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
  if (typeof stored['id'] !== 'string' || stored['id'].toLowerCase() !== id) throw corrupt(id, '"id" is another one');
  if (typeof type !== 'string' || type === '') throw corrupt(id, '"type" is not a non-empty string');
  if (createdAt === undefined) throw corrupt(id, '"created_at" is not an RFC 3339 time');
  if (updatedAt === undefined) throw corrupt(id, '"updated_at" is not an RFC 3339 time');
  if (!isTextMap(metadata)) throw corrupt(id, '"metadata" is not an object of strings');
  return { id, type, createdAt, updatedAt, data, metadata, nonce: asText(nonce) };
}

const asText = (value: unknown): string => (typeof value === 'string' ? value : '');

/** How a storage's `create` recognises its own session, if the session has one. */
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
 * The stored JSON with these changes, and everything else as it was written.
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
 * @throws StreamSessionsError ERR_BAD_SESSION when JSON cannot hold it
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
