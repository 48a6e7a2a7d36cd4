import { networkOf, parseBlock } from '../identity/address.js';
import { MAX_DENIAL_TEXT, MAX_TEXT_LENGTH } from '../support/bounds.js';
import type { KeyedHash } from '../identity/keyed-hash.js';
import type { DenialTarget } from '../types/denial.js';
import { FEWEST_MS, LAST_MS } from '../support/clock.js';
import { StreamSessionsError } from '../support/errors.js';
import { closest } from '../support/options.js';

const TEXTS = ['session', 'user', 'token', 'ip', 'userAgent', 'stream', 'protocol'] as const;
const FIELDS: readonly (keyof DenialTarget)[] = [...TEXTS, 'issuedBefore'];

/**
 * Parses a target. Anything that is not clearly a target is an error: a misspelt field must never mean "everybody".
 *
 * @throws StreamSessionsError ERR_BAD_DENIAL
 */
export function readTarget(target: DenialTarget): DenialTarget {
  if (typeof target !== 'object' || target === null || Array.isArray(target)) {
    throw bad('a denial target is an object such as { ip: "203.0.113.7", stream: "cam1" }');
  }
  const read: DenialTarget = {};
  for (const [field, value] of Object.entries(target) as [keyof DenialTarget, unknown][]) {
    if (!FIELDS.includes(field)) {
      const likely = closest(field, FIELDS);
      throw bad(
        `unknown field "${field}"; ${likely === undefined ? `known: ${FIELDS.join(', ')}` : `did you mean "${likely}"?`}`,
      );
    }
    if (value === undefined) continue;
    if (field === 'issuedBefore') {
      read.issuedBefore = readTime(value);
      continue;
    }
    if (typeof value !== 'string' || value === '') throw bad(`"${field}" must be a non-empty string`);
    read[field] = field === 'protocol' ? value.toLowerCase() : value;
  }
  if (Object.keys(read).length === 0) throw bad('an empty target would refuse everybody; name at least one field');
  if (read.issuedBefore !== undefined && read.user === undefined) {
    throw bad('"issuedBefore" is about what was issued to a user: name the "user" as well');
  }
  if (read.ip !== undefined) {
    const block = parseBlock(read.ip);
    if (block === undefined) throw bad(`"${read.ip}" is neither an address nor a CIDR block`);
    const { address, prefixLength } = block;
    read.ip = prefixLength === undefined ? address : networkOf(address, prefixLength);
  }
  // cut to the length at which a client's user agent is kept
  if (read.userAgent !== undefined) read.userAgent = read.userAgent.slice(0, MAX_TEXT_LENGTH);
  // of a token, there is only a hash
  for (const [field, value] of Object.entries({ ...read, token: '' })) {
    if (String(value).length > MAX_DENIAL_TEXT) throw bad(`"${field}" is longer than ${MAX_DENIAL_TEXT} characters`);
  }
  return read;
}

/** A value that is not clearly a time would refuse everyone, or nobody. */
function readTime(value: unknown): number {
  if (typeof value === 'number' && value >= FEWEST_MS && value <= LAST_MS) return value;
  const seconds = typeof value === 'number' && value > 0 && value < FEWEST_MS;
  throw bad(
    `"issuedBefore" must be epoch milliseconds, such as Date.now()${seconds ? '; this looks like seconds' : ''}`,
  );
}

const bad = (what: string): StreamSessionsError => new StreamSessionsError('ERR_BAD_DENIAL', `Cannot deny: ${what}.`);

/** Different spellings of one target share a key. The key contains no token. */
export function targetKey({ token, ...target }: DenialTarget, hash: KeyedHash): string {
  const values = Object.entries(target).map(([field, value]) => [field, hash.compact(String(value))]);
  if (token !== undefined) values.push(['token', hash.of(token)]);
  return JSON.stringify(values.sort());
}
