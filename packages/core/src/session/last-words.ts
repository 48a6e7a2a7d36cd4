import type { Recipe } from '../identity/recipe.js';
import type { Explanation, LastWords } from '../types/explanation.js';
import type { IdentityField } from '../types/identity.js';
import type { Session } from './session.js';

/** Undefined if there is nothing to add to the visit itself. */
export function lastWords(session: Session, recipe: Recipe): LastWords | undefined {
  const { group, rare } = session;
  if (rare?.policyDecisions === undefined) return undefined;
  const found = group === undefined ? {} : { recipe: recipe.fields, matched: matched(session, recipe) };
  return { ...found, policies: rare.policyDecisions };
}

/** The values of its recipe's fields. A token appears as its fingerprint. */
export function matched(session: Session, { fields }: Recipe): Explanation['matched'] {
  const values: Record<IdentityField, string> = {
    stream: session.stream,
    ip: session.rare?.networks?.at(-1) ?? session.network,
    token: session.fingerprint ?? session.name ?? session.userAgent ?? '',
    protocol: session.protocol,
    userAgent: session.userAgent ?? '',
  };
  return Object.freeze(Object.fromEntries(fields.map((field) => [field, values[field]])));
}
