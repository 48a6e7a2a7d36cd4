import { normaliseAddress, parseBlock } from '../identity/address.js';
import type { DenialTarget } from '../model/denial.js';
import { StreamSessionsError } from '../support/errors.js';
import { closest } from '../support/options.js';

const FIELDS: readonly (keyof DenialTarget)[] = ['session', 'user', 'token', 'ip', 'userAgent', 'stream', 'protocol'];

/**
 * Takes a target apart. What is not clearly a target is an error: a misspelt field must never mean "everybody".
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
    if (typeof value !== 'string' || value === '') throw bad(`"${field}" must be a text that is not empty`);
    read[field] = field === 'protocol' ? value.toLowerCase() : value;
  }
  if (Object.keys(read).length === 0) throw bad('an empty target would refuse everybody; name at least one field');
  if (read.ip !== undefined) {
    const block = parseBlock(read.ip);
    if (block === undefined) throw bad(`"${read.ip}" is neither an address nor a CIDR block`);
    if (block.prefixLength === undefined) read.ip = normaliseAddress(read.ip);
  }
  return read;
}

const bad = (what: string): StreamSessionsError => new StreamSessionsError('ERR_BAD_DENIAL', `Cannot deny: ${what}.`);

/** Two spellings of one target are one key. */
export const targetKey = (target: DenialTarget): string => JSON.stringify(FIELDS.map((field) => target[field] ?? null));
