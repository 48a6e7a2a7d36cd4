import { CONDITIONS, OF_COUNTS } from '../sql/visits.sql.js';
import { plain } from '../write/rows.js';
import type { VisitFilter } from '../types/query.js';

/** Values of a statement: user input never becomes part of its text. */
export class Values {
  readonly all: unknown[];

  /** @param first The values of `$1` … */
  constructor(...first: readonly unknown[]) {
    this.all = [...first];
  }

  /** Each `$?` in the text stands for one of these values. */
  put(text: string, ...values: readonly unknown[]): string {
    const given = [...values];
    return text.replaceAll('$?', () => `$${this.all.push(given.shift())}`);
  }
}

const EQUAL = ['stream', 'user', 'country', 'reason', 'protocol', 'kind'] as const;
/** These are indexed together, so that a combination of them is found at once. */
const WORDS = ['kind', 'protocol', 'country', 'reason'] as const;
const OTHERS = ['from', 'to', 'ip', 'minDurationMs', 'maxDurationMs'] as const;

/** The condition for a matching visit `v`. */
export function whereVisits(filter: VisitFilter, values: Values): string {
  const conditions = given(filter, [...EQUAL, ...OTHERS], values);
  const { key, value } = tagOf(filter);
  if (key !== undefined && value === undefined) conditions.push(values.put(CONDITIONS.hasTag, key));
  if (key !== undefined && value !== undefined)
    conditions.push(values.put(CONDITIONS.tag, JSON.stringify({ [key]: value })));
  return conditions.join(' AND ') || 'true';
}

/** The same, for visits that are looked up through the index of words. */
export function whereFew(filter: VisitFilter, values: Values): string {
  const words = WORDS.flatMap((name) => filter[name] ?? []);
  const condition = whereVisits(filter, values);
  return words.length === 0 ? condition : `${condition} AND ${values.put(CONDITIONS.words, words)}`;
}

/** The condition for a count `v` of matching visits. */
export function whereCounts(filter: VisitFilter, values: Values): string {
  const conditions = given(filter, EQUAL, values);
  const { key, value } = tagOf(filter);
  if (key === undefined) conditions.push(OF_COUNTS.noTag);
  else if (value === undefined) conditions.push(values.put(OF_COUNTS.hasTag, key));
  else conditions.push(values.put(OF_COUNTS.tag, key, value));
  return conditions.join(' AND ');
}

/** The condition for a count `v` of matching durations, in whole seconds. */
export function whereDurations({ minDurationMs: min, maxDurationMs: max }: VisitFilter, values: Values): string {
  const conditions: string[] = [];
  if (min !== undefined) conditions.push(values.put(OF_COUNTS.minSeconds, min / 1_000));
  if (max !== undefined) conditions.push(values.put(OF_COUNTS.maxSeconds, max / 1_000, max / 1_000));
  return conditions.join(' AND ');
}

const given = (filter: VisitFilter, names: readonly (keyof VisitFilter & keyof typeof CONDITIONS)[], values: Values) =>
  names.flatMap((name) => (filter[name] === undefined ? [] : values.put(CONDITIONS[name], filter[name])));

/** `key`, or `key=value`. */
function tagOf({ tag }: VisitFilter): { key?: string; value?: string } {
  if (tag === undefined) return {};
  const text = plain(tag);
  const at = text.indexOf('=');
  return at < 0 ? { key: text } : { key: text.slice(0, at), value: text.slice(at + 1) };
}
