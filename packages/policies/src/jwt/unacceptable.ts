import type { Refusal } from '@stream-sessions/core';

/** Something is wrong with a token. The message is for operators: it names the claim, and never has the token in it. */
export class Unacceptable extends Error {
  constructor(
    message: string,
    /** What else the refusal says. */
    readonly refusal: Partial<Refusal> = {},
  ) {
    super(message);
  }
}

const MAX_SHOWN = 64;

/** What a value is, in words: a claim of the wrong type is named as what it is. */
export function what(value: unknown): string {
  if (value === null) return 'null';
  if (value === '') return 'an empty text';
  if (Array.isArray(value)) return 'a list';
  switch (typeof value) {
    case 'string':
      return 'a string';
    case 'number':
      return 'a number';
    case 'boolean':
      return String(value);
    default:
      return 'an object';
  }
}

/** A text that somebody else chose, in quotation marks: cut, and without control characters. */
export const quoted = (text: string): string =>
  JSON.stringify(text.length > MAX_SHOWN ? `${text.slice(0, MAX_SHOWN)}…` : text);
