import { createHash } from 'node:crypto';
import { StreamSessionsError } from '@stream-sessions/core';
import { checkOptions } from '@stream-sessions/core/spi';
import { PASS_TYPES, type PassTerms, type SessionData } from '../types/session-data.js';
import type { PassChange } from '../types/store.js';

const MAX_SECS = 3_153_600_000;
const MAX_MB = 1e9;
const MAX_DAYS = 36_500;
const MAX_MBITS = 1e6;
const MAX_OWNER_LENGTH = 4096;
const MAX_KEY_LENGTH = 255;

const TYPES: readonly unknown[] = Object.values(PASS_TYPES);
const TERMS = ['type', 'timeSecs', 'dataMb', 'expDays', 'downMbits', 'upMbits', 'useGlobalSpeed'];

/** The error for an invalid field of a pass. The message begins with the field. */
export const badPass = (field: string, expected: string, actual: unknown): StreamSessionsError =>
  new StreamSessionsError('ERR_BAD_PASS', `${field} must be ${expected}, not ${shown(actual)}.`);

/**
 * The terms with all defaults filled in.
 *
 * @throws StreamSessionsError ERR_BAD_PASS, ERR_BAD_OPTION for an unknown field
 */
export function fullTerms(terms: PassTerms): Required<PassTerms> {
  checkOptions('create()', terms, TERMS);
  const { type, timeSecs = 0, dataMb = 0, expDays = null, downMbits = 0, upMbits = 0, useGlobalSpeed = false } = terms;
  if (!TYPES.includes(type)) throw badPass('type', '0 (time), 1 (data) or 2 (both)', type);
  checkAmount('timeSecs', timeSecs, MAX_SECS, true);
  checkAmount('dataMb', dataMb, MAX_MB);
  if (expDays !== null) checkAmount('expDays', expDays, MAX_DAYS, true);
  checkAmount('downMbits', downMbits, MAX_MBITS);
  checkAmount('upMbits', upMbits, MAX_MBITS);
  if (typeof useGlobalSpeed !== 'boolean') throw badPass('useGlobalSpeed', 'true or false', useGlobalSpeed);
  return { type, timeSecs, dataMb, expDays, downMbits, upMbits, useGlobalSpeed };
}

/** What is added to a pass. */
export interface TopUp {
  /** Additional seconds. */
  timeSecs?: number | undefined;
  /** Additional megabytes. */
  dataMb?: number | undefined;
  /** Additional days, for a pass that expires. */
  expDays?: number | undefined;
}

/**
 * @param key Topping up again with the same key changes nothing.
 * @throws StreamSessionsError ERR_BAD_PASS, ERR_BAD_OPTION
 */
export function fullTopUp(more: TopUp, key?: string): PassChange {
  checkOptions('topUp()', more, ['timeSecs', 'dataMb', 'expDays']);
  const { timeSecs = 0, dataMb = 0, expDays = 0 } = more;
  checkAmount('timeSecs', timeSecs, MAX_SECS, true);
  checkAmount('dataMb', dataMb, MAX_MB);
  checkAmount('expDays', expDays, MAX_DAYS, true);
  const added = { addSecs: timeSecs, addMb: dataMb, addDays: expDays };
  if (key === undefined) return added;
  return { ...added, once: { key: short(`top-up ${key}`), terms: short(JSON.stringify([timeSecs, dataMb, expDays])) } };
}

/**
 * Validates a pass from an external source.
 *
 * @throws StreamSessionsError ERR_BAD_PASS
 */
export function checkData(data: SessionData): void {
  const { type, timeSecs, dataMb, timeCons, dataCons, expDays, startedAt, downMbits, upMbits, createdAt } = data;
  if (!TYPES.includes(type)) throw badPass('type', '0 (time), 1 (data) or 2 (both)', type);
  for (const [field, value] of Object.entries({
    timeSecs,
    dataMb,
    timeCons,
    dataCons,
    downMbits,
    upMbits,
    createdAt,
  })) {
    checkAmount(field, value, Number.MAX_SAFE_INTEGER);
  }
  if (expDays !== null) checkAmount('expDays', expDays, Number.MAX_SAFE_INTEGER);
  if (startedAt !== null) checkAmount('startedAt', startedAt, Number.MAX_SAFE_INTEGER);
}

/** @throws StreamSessionsError ERR_BAD_PASS */
export function checkOwner(owner: unknown): asserts owner is string {
  if (typeof owner === 'string' && owner !== '' && owner.length <= MAX_OWNER_LENGTH) return;
  throw badPass('owner', `a text of 1 to ${MAX_OWNER_LENGTH} characters`, owner);
}

/** @throws StreamSessionsError ERR_BAD_PASS */
export function checkKey(key: unknown): asserts key is string | undefined {
  if (key === undefined || (typeof key === 'string' && key !== '' && key.length <= MAX_KEY_LENGTH)) return;
  throw badPass('key', `a text of 1 to ${MAX_KEY_LENGTH} characters`, key);
}

/** The error for a key that was used for something else. */
export const reusedKey = (what: string): StreamSessionsError =>
  new StreamSessionsError('ERR_PASS_KEY', `This key was used before, for ${what}.`);

/** The error for a top-up of a pass that can never be used again. */
export const endedPass = (): StreamSessionsError =>
  new StreamSessionsError('ERR_PASS_ENDED', 'This pass was ended: sell another one.');

/** Tells whether two passes were bought on the same terms. */
export const hashOfTerms = (owner: string, terms: Required<PassTerms>): string =>
  hash(JSON.stringify([owner, ...TERMS.map((name) => terms[name as keyof PassTerms])]));

/** The id of a pass that is created with this key: creating it again finds it. */
export function idOfKey(key: string): string {
  const hex = hash(`key ${key}`);
  return [hex.slice(0, 8), hex.slice(8, 12), `8${hex.slice(13, 16)}`, `8${hex.slice(17, 20)}`, hex.slice(20, 32)].join(
    '-',
  );
}

const hash = (text: string): string => createHash('sha256').update(text).digest('hex').slice(0, 32);
/** Long enough to distinguish the top-ups of one pass. */
const short = (text: string): string => hash(text).slice(0, 16);

function checkAmount(field: string, value: unknown, max: number, isWhole = false): void {
  const isFine = typeof value === 'number' && value >= 0 && value <= max && (!isWhole || Number.isInteger(value));
  if (!isFine) throw badPass(field, `a ${isWhole ? 'whole ' : ''}number from 0 to ${max}`, value);
}

const shown = (value: unknown): string => (JSON.stringify(value) ?? String(value)).slice(0, 64);
