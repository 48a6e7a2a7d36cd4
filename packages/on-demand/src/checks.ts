import { badOption, LONGEST_TIMER_MS } from '@stream-sessions/core/spi';

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
  if (Number.isInteger(ms) && Number(ms) >= least && Number(ms) <= LONGEST_TIMER_MS) return;
  throw badOption(name, `a whole number of milliseconds from ${least} to ${LONGEST_TIMER_MS}`, ms);
}

/** Undefined is left to the default. */
export function checkText(name: string, value: unknown): void {
  if (value === undefined || (typeof value === 'string' && value !== '')) return;
  throw badOption(name, 'a text that is not empty', value);
}

/** An object whose values are texts, or absent. They may be secrets, so they are not shown. */
export function checkTexts(name: string, value: unknown): void {
  const isObject = typeof value === 'object' && value !== null && !Array.isArray(value);
  if (!isObject) throw badOption(name, 'an object of texts', value);
  for (const [key, text] of Object.entries(value)) {
    if (text !== undefined && typeof text !== 'string') throw badOption(`${name}.${key}`, 'a text', text);
  }
}
