import { createHash } from 'node:crypto';

/**
 * One short text for several, which strangers may have chosen: what is kept per viewer must neither grow with what it sends nor
 * keep its request in memory. JSON keeps the parts separate.
 */
export const hashOf = (parts: readonly (string | undefined)[]): string =>
  createHash('sha256').update(JSON.stringify(parts)).digest('base64url');
