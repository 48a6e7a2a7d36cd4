import { badOption, hasMethods } from '@stream-sessions/core/spi';

/** The longest that a timer of Node waits, in milliseconds: one that should wait longer ends at once. */
const LONGEST_MS = 0x7fffffff;

/** @throws StreamSessionsError ERR_BAD_OPTION, like all here */
export function atLeast(name: string, value: unknown, least: number): number {
  if (typeof value === 'number' && value >= least) return value;
  throw badOption(name, `a number, at least ${least}`, value);
}

export function positiveInteger(name: string, value: unknown): number {
  if (Number.isInteger(value) && Number(value) > 0) return Number(value);
  throw badOption(name, 'a positive integer', value);
}

/** For timers of Node, which a `clock` does not replace. */
export function checkTimer(name: string, ms: unknown, least: number): void {
  if (Number.isInteger(ms) && Number(ms) >= least && Number(ms) <= LONGEST_MS) return;
  throw badOption(name, `a whole number of milliseconds from ${least} to ${LONGEST_MS}`, ms);
}

/** Undefined is left to the default. */
export function checkText(name: string, value: unknown): void {
  if (value === undefined || (typeof value === 'string' && value !== '')) return;
  throw badOption(name, 'a text that is not empty', value);
}

export function checkMethods(name: string, value: unknown, methods: readonly string[]): void {
  if (hasMethods(value, methods)) return;
  throw badOption(name, `an object with ${methods.map((method) => `${method}()`).join(', ')}`, value);
}

/** An object whose values are texts, or absent. They may be secrets, so they are not shown. */
export function checkTexts(name: string, value: unknown): void {
  const isObject = typeof value === 'object' && value !== null && !Array.isArray(value);
  if (!isObject) throw badOption(name, 'an object of texts', value);
  for (const [key, text] of Object.entries(value)) {
    if (text !== undefined && typeof text !== 'string') throw badOption(`${name}.${key}`, 'a text', text);
  }
}
