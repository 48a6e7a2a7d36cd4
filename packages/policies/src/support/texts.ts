import { badOption } from '@stream-sessions/core/spi';

/**
 * A text, or a list of them, none of them empty; undefined stays undefined.
 *
 * @throws StreamSessionsError ERR_BAD_OPTION
 */
export function checkTexts<T extends string | readonly string[] | undefined>(name: string, value: T): T {
  const list: readonly unknown[] = Array.isArray(value) ? value : [value];
  if (value === undefined || (list.length > 0 && list.every(isText))) return value;
  throw badOption(name, 'a string or a list of strings, not empty', value);
}

/** @throws StreamSessionsError ERR_BAD_OPTION */
export function checkList(name: string, value: readonly string[]): readonly string[] {
  const given: unknown = value;
  if (Array.isArray(given) && value.every(isText)) return value;
  throw badOption(name, 'a list of strings', value);
}

const isText = (value: unknown): boolean => typeof value === 'string' && value !== '';
