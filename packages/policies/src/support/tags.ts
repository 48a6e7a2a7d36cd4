/** The most tags that a session can have; more would be dropped. */
export const MAX_TAGS = 32;
const MAX_TAG_LENGTH = 256;

/** An object of strings that fit as tags of a session. */
export function isTags(value: unknown): value is Readonly<Record<string, string>> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  const tags = Object.entries(value as Record<string, unknown>);
  return tags.length <= MAX_TAGS && tags.every(([name, text]) => isText(name) && (text === '' || isText(text)));
}

const isText = (value: unknown): boolean => typeof value === 'string' && value !== '' && value.length <= MAX_TAG_LENGTH;
