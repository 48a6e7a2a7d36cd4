import type { HttpHit } from '../model/hit.js';
import { prefixed } from './recipe.js';

/**
 * What a request offers to be let in by, besides its token, as one text: '' when there is nothing. Undefined: it cannot
 * be compared with what was offered before, for a password is never kept.
 */
export function offerOf({ credentials }: Pick<HttpHit, 'credentials'>): string | undefined {
  if (credentials === undefined) return '';
  if (credentials.scheme === 'bearer') return `bearer ${credentials.token}`;
  return undefined;
}

/** What a verdict is about, as one text. */
export const judgedKey = (stream: string, token: string | undefined, offer: string): string =>
  offer === '' ? prefixed(stream) + (token ?? '') : prefixed(stream) + prefixed(token ?? '') + offer;
