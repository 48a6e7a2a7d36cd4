import { StreamSessionsError } from '../support/errors.js';
import { MAX_DENIAL_TEXT } from '../support/bounds.js';
import type { DenialRecord } from '../types/denial.js';
import { DenialEntry, NONE, WHENS, type Patterns } from './denial-entry.js';
import { PATTERN_FIELDS, type DenialPattern } from './pattern.js';
import { MAX_PATTERNS } from './kick-target.js';

const BY: readonly unknown[] = ['kick', 'deny', 'policy'];
const KINDS: readonly unknown[] = ['credentials', 'forbidden', 'limit', 'overload'];

/** `key`: identifies the key that the patterns were made with. */
export const toRecord = (entry: DenialEntry, key: string): DenialRecord => ({
  ...entry.snapshot(),
  key,
  targetKey: entry.targetKey,
  patterns: entry.patterns as DenialRecord['patterns'],
});

/** @throws StreamSessionsError ERR_BAD_DENIAL */
export function fromRecord(record: DenialRecord, key: string): DenialEntry {
  const given: unknown = record;
  if (!isRecord(given)) throw bad('it is not an object');
  if (given.key !== key) throw bad('it was made with another fingerprintKey');
  const { id, target, by, kind, reason, detail, since, until, hits, targetKey } = given;
  const isText = (text: unknown): text is string => typeof text === 'string' && text.length <= MAX_DENIAL_TEXT;
  const isFine =
    isText(id) &&
    isText(reason) &&
    isRecord(target) &&
    Object.entries(target).every(([field, value]) =>
      field === 'issuedBefore' ? Number.isFinite(value) : isText(value),
    ) &&
    BY.includes(by) &&
    KINDS.includes(kind) &&
    [detail, targetKey].every((text) => text === undefined || isText(text)) &&
    [since, until, hits].every(Number.isFinite);
  if (!isFine) throw bad('a field is missing, or is not what it should be');
  const facts = { target: { ...target }, by, kind, reason, detail, since } as Omit<
    DenialRecord,
    'id' | 'hits' | 'until'
  >;
  const entry = new DenialEntry(facts, until as number, readPatterns(given.patterns), {
    id,
    targetKey: targetKey as string | undefined,
  });
  entry.hits = hits as number;
  return entry;
}

function readPatterns(given: unknown): Patterns {
  if (!isRecord(given)) throw bad('it has no patterns');
  const patterns: Partial<Record<keyof Patterns, readonly DenialPattern[]>> = {};
  let count = 0;
  for (const when of WHENS) {
    const list = given[when] ?? [];
    if (!Array.isArray(list)) throw bad('its patterns are not lists');
    count += list.length;
    if (count > 3 * MAX_PATTERNS) throw bad(`it has more than ${3 * MAX_PATTERNS} patterns`);
    patterns[when] = list.length === 0 ? NONE : list.map(readPattern);
  }
  return patterns;
}

/** An empty pattern would refuse everyone. */
function readPattern(given: unknown): DenialPattern {
  if (!isRecord(given) || Object.keys(given).length === 0) throw bad('a pattern names nothing');
  for (const [field, value] of Object.entries(given)) {
    const isFine = field === 'block' ? isBlock(value) : typeof value === 'string' && value.length <= MAX_DENIAL_TEXT;
    if (!isFine || !PATTERN_FIELDS.includes(field))
      throw bad(`a pattern has an unknown field or value: "${field.slice(0, 64)}"`);
  }
  return { ...given };
}

const isBlock = (value: unknown): boolean =>
  isRecord(value) &&
  typeof value.network === 'string' &&
  value.network.length <= MAX_DENIAL_TEXT &&
  Number.isInteger(value.prefixLength) &&
  (value.prefixLength as number) >= 0 &&
  (value.prefixLength as number) <= 128;

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const bad = (why: string): StreamSessionsError =>
  new StreamSessionsError('ERR_BAD_DENIAL', `Cannot import a denial: ${why}.`);
