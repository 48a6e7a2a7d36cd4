import { StreamSessionsError } from '../support/errors.js';
import { ownCopy } from '../support/strings.js';
import { checkTags } from '../support/tags.js';

const MAX_TAGS = 32;

/** The tags with these added. @throws StreamSessionsError ERR_BAD_TAG for an invalid tag, or too many. */
export function withTags(
  tags: Readonly<Record<string, string>>,
  added: Readonly<Record<string, string>>,
): Record<string, string> {
  checkTags(added);
  const merged = Object.assign(Object.create(null) as Record<string, string>, tags);
  for (const [key, value] of Object.entries(added)) merged[ownCopy(key)] = ownCopy(value);
  if (Object.keys(merged).length > MAX_TAGS) {
    throw new StreamSessionsError('ERR_BAD_TAG', `A session has at most ${MAX_TAGS} tags.`);
  }
  return merged;
}
