import { MAX_TEXT_LENGTH } from '../support/bounds.js';
import { keep } from '../support/strings.js';
import type { HitFacts } from '../types/hit.js';
import { hideSecrets, MAX_READ } from './hide-secrets.js';

/** Stands for a token wherever that is not shown. */
export type Fingerprint = (token: string) => string;

/** A query or referer of this hit as it may be shown: without secrets, and not too long. */
export function shownText(text: string | undefined, hit: HitFacts, fingerprint: Fingerprint): string | undefined {
  return text ? keep(hidden(text, hit, fingerprint), MAX_TEXT_LENGTH) : undefined;
}

/** The referer as policies may see it: the page's own secrets are not theirs to judge, and half a page is none. */
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
