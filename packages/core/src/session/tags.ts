import { StreamSessionsError } from '../support/errors.js';
import { ownCopy } from '../support/strings.js';

const MAX_TAGS = 32;
const MAX_TAG_LENGTH = 256;

/** The tags with these added. @throws StreamSessionsError ERR_BAD_TAG for an invalid tag, or too many. */
export function withTags(
  tags: Readonly<Record<string, string>>,
  added: Readonly<Record<string, string>>,
): Record<string, string> {
  for (const [key, value] of Object.entries(added)) {
    if (typeof value !== 'string' || key === '' || key.length > MAX_TAG_LENGTH || value.length > MAX_TAG_LENGTH) {
      throw new StreamSessionsError(
        'ERR_BAD_TAG',
        `A tag is a name and a string of at most ${MAX_TAG_LENGTH} characters.`,
      );
    }
  }
  const merged = Object.assign(Object.create(null) as Record<string, string>, tags);
  for (const [key, value] of Object.entries(added)) merged[ownCopy(key)] = ownCopy(value);
  if (Object.keys(merged).length > MAX_TAGS) {
    throw new StreamSessionsError('ERR_BAD_TAG', `A session has at most ${MAX_TAGS} tags.`);
  }
  return merged;
}
