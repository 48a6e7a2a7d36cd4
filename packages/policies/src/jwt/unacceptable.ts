import type { Refusal } from '@stream-sessions/core';

/** Something is wrong with a token. The message is for operators: it names the claim, and never contains the token. */
export class Unacceptable extends Error {
  constructor(
    message: string,
    /** Further fields of the refusal. */
    readonly refusal: Partial<Refusal> = {},
  ) {
    super(message);
  }
}

const MAX_SHOWN = 64;

/** Describes a value: a claim of the wrong type is reported by what it is. */
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

/** Somebody else's text, in quotation marks: shortened and without control characters. */
export const quoted = (text: string): string =>
  JSON.stringify(text.length > MAX_SHOWN ? `${text.slice(0, MAX_SHOWN)}…` : text);
