import { LONGEST_TIMER_MS } from './clock.js';
import { StreamSessionsError } from './errors.js';

/**
 * Rejects unknown options, suggesting the likely fix.
 *
 * @throws StreamSessionsError ERR_BAD_OPTION
 */
export function checkOptions(what: string, options: object, known: readonly string[]): void {
  if (typeof options !== 'object' || options === null || Array.isArray(options)) {
    throw new StreamSessionsError('ERR_BAD_OPTION', `${what}: expected an object of options.`);
  }
  // other functions take the tracker first
  if (known.includes('tracker') && hasMethods(options, ['trackHttp'])) {
    throw new StreamSessionsError('ERR_BAD_OPTION', `${what}: the tracker is one of the options: { tracker, … }.`);
  }
  for (const name of Object.keys(options)) {
    if (known.includes(name)) continue;
    const likely = closest(name, known);
    const fix = likely === undefined ? `Known: ${known.join(', ')}.` : `Did you mean "${likely}"?`;
    throw new StreamSessionsError('ERR_BAD_OPTION', `${what}: unknown option "${name}". ${fix}`);
  }
}

/** The error for an invalid option value. */
export function badOption(name: string, expected: string, actual: unknown): StreamSessionsError {
  return new StreamSessionsError('ERR_BAD_OPTION', `${name} must be ${expected}, not ${show(actual)}.`);
}

/** The error for an invalid value that may be a secret, or contain one: it says only what kind of value that is. */
export function badSecret(name: string, expected: string, actual: unknown): StreamSessionsError {
  return new StreamSessionsError('ERR_BAD_OPTION', `${name} must be ${expected}, not ${kindOf(actual)}.`);
}

function kindOf(value: unknown): string {
  if (typeof value === 'string') return value === '' ? 'an empty string' : `a string of ${value.length} characters`;
  if (value instanceof Uint8Array) return `${value.length} bytes`;
  return Array.isArray(value) ? 'a list' : show(value);
}

function show(value: unknown): string {
  if (typeof value === 'function') return 'a function';
  if (typeof value === 'string' || Array.isArray(value)) return JSON.stringify(value);
  return typeof value === 'object' && value !== null ? 'an object' : String(value);
}

/** The known name within a few typing errors of this one, or that is a prefix of it or the other way round. */
export function closest(name: string, known: readonly string[]): string | undefined {
  const lower = name.toLowerCase();
  let best: string | undefined;
  let bestDistance = 1 + Math.max(2, Math.floor(name.length / 4));
  for (const candidate of known) {
    const other = candidate.toLowerCase();
    const related = lower.length > 3 && (other.startsWith(lower) || lower.startsWith(other));
    const distance = related ? 1 : editDistance(lower, other);
    if (distance < bestDistance) [best, bestDistance] = [candidate, distance];
  }
  return best;
}

function editDistance(a: string, b: string): number {
  let previous = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const substitution = (previous[j - 1] as number) + (a[i - 1] === b[j - 1] ? 0 : 1);
      row.push(Math.min((previous[j] as number) + 1, (row[j - 1] as number) + 1, substitution));
    }
    previous = row;
  }
  return previous[b.length] as number;
}

/** @throws StreamSessionsError ERR_BAD_OPTION */
export function checkDuration(name: string, ms: number): void {
  if (!(typeof ms === 'number' && ms >= 0)) throw badOption(name, 'a non-negative number of milliseconds', ms);
}

/**
 * For a duration that may end up in a timer: not Infinity, which some of them would take for no time at all.
 *
 * @throws StreamSessionsError ERR_BAD_OPTION
 */
export function checkTimeout(name: string, ms: unknown, leastMs = 0): void {
  if (typeof ms === 'number' && ms >= leastMs && ms <= LONGEST_TIMER_MS) return;
  throw badOption(name, `milliseconds, ${leastMs} to ${LONGEST_TIMER_MS}`, ms);
}

/**
 * For the size of a buffer: not Infinity, because whatever waits for somebody has a bound.
 *
 * @throws StreamSessionsError ERR_BAD_OPTION
 */
export function checkBytes(name: string, bytes: unknown, least: number): void {
  if (typeof bytes === 'number' && bytes >= least && bytes < Infinity) return;
  throw badOption(name, `bytes, at least ${least}`, bytes);
}

/** Undefined is left to the default. @throws StreamSessionsError ERR_BAD_OPTION */
export function checkText(name: string, text: unknown): void {
  if (text !== undefined && typeof text !== 'string') throw badOption(name, 'a string', text);
}

/** Undefined is left to the default. @throws StreamSessionsError ERR_BAD_OPTION */
export function checkClock(clock: unknown): void {
  if (clock !== undefined) checkMethods('clock', clock, ['now', 'setTimeout', 'clearTimeout']);
}

/** Rejects anything but an object with these functions. @throws StreamSessionsError ERR_BAD_OPTION */
export function checkMethods(name: string, value: unknown, methods: readonly string[]): void {
  if (hasMethods(value, methods)) return;
  throw badOption(name, `an object with ${methods.map((method) => `${method}()`).join(', ')}`, value);
}

/** Whether it is an object with these functions: a clock, a logger, a store. */
export const hasMethods = (value: unknown, methods: readonly string[]): boolean =>
  methods.every((method) => typeof (value as Record<string, unknown> | null | undefined)?.[method] === 'function');
