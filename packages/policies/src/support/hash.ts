import { createHash } from 'node:crypto';

/**
 * One short text for many, which strangers may have chosen: what is kept of a viewer must not grow with what it sends, nor
 * hold the request it came from. JSON keeps the parts apart.
 */
export const hashOf = (parts: readonly (string | undefined)[]): string =>
  createHash('sha256').update(JSON.stringify(parts)).digest('base64url');
