import { StreamSessionsError } from './errors.js';

const MAX_TAG_LENGTH = 256;

/**
 * Refuses what are no tags of a session.
 *
 * @throws StreamSessionsError ERR_BAD_TAG
 */
export function checkTags(tags: Readonly<Record<string, string>>): void {
  const given: unknown = tags;
  const isFine = (text: unknown): boolean => typeof text === 'string' && text.length <= MAX_TAG_LENGTH;
  const areTags = typeof given === 'object' && given !== null && !Array.isArray(given);
  if (areTags && Object.entries(given).every(([key, value]) => key !== '' && isFine(key) && isFine(value))) return;
  throw new StreamSessionsError('ERR_BAD_TAG', `A tag is a name and a string of at most ${MAX_TAG_LENGTH} characters.`);
}
