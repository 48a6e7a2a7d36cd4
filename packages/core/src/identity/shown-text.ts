import { MAX_TEXT_LENGTH } from '../support/bounds.js';
import { keep } from '../support/strings.js';
import type { HitFacts } from '../types/hit.js';
import { hideSecrets, MAX_READ } from './hide-secrets.js';

/** Makes the text that stands for a token wherever the token must not be shown. */
export type Fingerprint = (token: string) => string;

/** A query or referer of this hit as it may be shown: without secrets, and shortened. */
export function shownText(text: string | undefined, hit: HitFacts, fingerprint: Fingerprint): string | undefined {
  return text ? keep(hidden(text, hit, fingerprint), MAX_TEXT_LENGTH) : undefined;
}

/**
 * The referer as policies may see it, without the secrets of the page. A referer that is too long is omitted, because half a URL
 * is useless.
 */
export function refererForPolicies(hit: HitFacts, fingerprint: Fingerprint): string | undefined {
  const { referer } = hit;
  return referer && referer.length <= MAX_READ ? hidden(referer, hit, fingerprint) : undefined;
}

function hidden(
  text: string,
  { token, credentials, secretParameters: parameters }: HitFacts,
  instead: Fingerprint,
): string {
  const values = [token, credentials?.scheme === 'bearer' ? credentials.token : undefined];
  return hideSecrets(text, { parameters, values, instead });
}
