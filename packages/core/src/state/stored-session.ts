import type { HashedName } from '../identity/name.js';
import type { Progress } from '../registry/waiting-rows.js';
import { MAX_LISTED, type Session } from '../session/session.js';
import { SESSION_KINDS } from '../types/kinds.js';

/** A session as it is stored. Fields that have their usual value are omitted. */
export interface StoredSession {
  readonly id: string;
  readonly kind: Session['kind'];
  readonly protocol: string;
  /** All protocols in order of use, if there were several. */
  readonly protocols?: string[] | undefined;
  readonly secure?: boolean | undefined;
  readonly dvr?: boolean | undefined;
  readonly country?: string | undefined;
  readonly stream: string;
  readonly streams?: string[] | undefined;
  readonly ip: string;
  readonly ips?: string[] | undefined;
  /** The network of each address, as identity counts it; omitted if the only address is its own network. */
  readonly networks?: string[] | undefined;
  readonly agent?: string | undefined;
  readonly referer?: string | undefined;
  readonly query?: string | undefined;
  readonly fingerprint?: string | undefined;
  readonly opened: number;
  readonly started?: number | undefined;
  readonly absent?: number | undefined;
  readonly since?: number | undefined;
  readonly user?: string | undefined;
  readonly vouched?: boolean | undefined;
  /** When the credential that named the user was issued. */
  readonly issued?: number | undefined;
  readonly tags?: Readonly<Record<string, string>> | undefined;
  readonly watched?: [string, number][] | undefined;
  /** The group it belongs to; omitted for a connection of its own. */
  readonly place?: string | undefined;
  readonly names: readonly [HashedName, ...HashedName[]];
  readonly agents?: readonly string[] | undefined;
  readonly decided?: readonly (readonly [asked: string, token: string, bearer: string])[] | undefined;
}

const isText = (value: unknown): boolean => typeof value === 'string';
const isTime = (value: unknown): boolean => typeof value === 'number' && Number.isFinite(value);
const isFlag = (value: unknown): boolean => typeof value === 'boolean';
const isObject = (value: unknown): value is object => typeof value === 'object' && value !== null;
const isList = (value: unknown, isItem: (item: unknown) => boolean): boolean =>
  Array.isArray(value) && value.length > 0 && value.length <= 4 * MAX_LISTED && value.every(isItem);
const isTexts = (value: unknown): boolean => isList(value, isText);
const isListOfTexts = (value: unknown): boolean => isList(value, isTexts);
const isWatched = (value: unknown): boolean => isList(value, (item) => Array.isArray(item) && item.length === 2);
const isTags = (value: unknown): boolean => isObject(value) && Object.values(value).every(isText);
/** True if each value is absent or valid. */
const may = (is: (value: unknown) => boolean, ...values: unknown[]): boolean =>
  values.every((value) => value === undefined || is(value));

/**
 * Validates a stored session: a crash, another program or a later version may have written it.
 *
 * @throws Error if it is not a valid session
 */
export function readSession(given: unknown): StoredSession {
  const record = given as StoredSession;
  const isFine =
    isObject(record) &&
    [record.id, record.protocol, record.stream, record.ip].every(isText) &&
    SESSION_KINDS.includes(record.kind) &&
    isTime(record.opened) &&
    isList(record.names, isTexts) &&
    may(isFlag, record.secure, record.dvr, record.vouched) &&
    may(isText, record.country, record.agent, record.referer, record.query, record.fingerprint, record.user) &&
    may(isText, record.place) &&
    may(isTime, record.started, record.absent, record.since, record.issued) &&
    may(isTexts, record.protocols, record.streams, record.ips, record.networks, record.agents) &&
    may(isListOfTexts, record.decided) &&
    may(isTags, record.tags) &&
    may(isWatched, record.watched);
  if (!isFine) throw new Error('this is not the record of a session');
  return record;
}

/** @throws Error if it is not a record of progress */
export function readProgress(progress: unknown): Progress {
  const isFine = Array.isArray(progress) && isTime(progress[0]) && isTime(progress[1]) && isTime(progress[2]);
  if (!isFine || !may(isObject, progress[3])) throw new Error('this is not a record of progress');
  return progress as unknown as Progress;
}
