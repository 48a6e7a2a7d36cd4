import { SESSION_KINDS } from '../types/kinds.js';
import type { IdentityOptionsDigest } from '../types/cluster.js';
import type { Settings } from './settings.js';

/**
 * Every option that decides who counts as the same viewer, and for how long, as text: trackers that agree on all of them resolve
 * hits alike.
 */
export function identityDigest(settings: Settings): IdentityOptionsDigest {
  const { recipes, addresses, aliases, aliasesAdmit, mergeConnections, idleTimeouts } = settings;
  const kinds = SESSION_KINDS.map((kind) => [`identity.${kind}`, recipes[kind].signature] as const);
  return Object.freeze({
    ...Object.fromEntries(kinds),
    'identity.ipv6PrefixLength': String(addresses.ipv6PrefixLength),
    'identity.aliases': aliasesAdmit ? 'admit' : String(aliases),
    'identity.mergeConnections': String(mergeConnections),
    idleTimeoutMs: typeof idleTimeouts === 'number' ? String(idleTimeouts) : inOrder(idleTimeouts),
  });
}

const inOrder = (timeouts: object): string =>
  Object.entries(timeouts)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([protocol, ms]) => `${protocol} ${ms}`)
    .join(', ');
