import { identityDigest } from '../settings/identity-digest.js';
import type { Settings } from '../settings/settings.js';
import { StreamSessionsError } from '../support/errors.js';
import { SESSION_KINDS } from '../types/kinds.js';
import type { HotOptions } from '../types/options.js';
import type { Parts } from './assemble.js';
import type { Shutdown } from './shutdown.js';

/** Applies new options, and notifies every part that they concern. */
export function reconfigure(patch: HotOptions, parts: Parts, shutdown: Shutdown): void {
  const { settings, registry, denials, clock, attachments, lifecycle, membership } = parts;
  const { recipes: before, addresses, enabled: wasEnabled } = settings;
  if (membership.directory === undefined) settings.update(patch);
  else updateAsOneOfSeveral(settings, patch);
  const { recipes, closedRetentionMs, closedRetentionMax } = settings;
  for (const kind of SESSION_KINDS) {
    if (recipes[kind].signature !== before[kind].signature) registry.forgetGroups(kind);
  }
  Object.assign(registry.closed, { retentionMs: closedRetentionMs, max: closedRetentionMax });
  registry.closed.expire(clock.now());
  if (settings.addresses !== addresses) {
    registry.placeAgain((ip) => settings.addresses.network(ip));
    denials.placeAgain();
  }
  denials.resize();
  attachments.update();
  lifecycle.deadlines.wheel.placeAllNow();
  if (wasEnabled && !settings.enabled) void shutdown.closeAll(false, () => !settings.enabled);
}

/**
 * @throws StreamSessionsError ERR_CLUSTER_CONFIG: all nodes of a cluster must agree on who is one viewer, so no node can change
 *   that alone
 */
function updateAsOneOfSeveral(settings: Settings, patch: HotOptions): void {
  const given = settings.identity;
  const before = identityDigest(settings);
  const { identity, idleTimeoutMs } = patch;
  settings.update({ ...(identity && { identity }), ...(idleTimeoutMs !== undefined && { idleTimeoutMs }) });
  const after = identityDigest(settings);
  const changed = Object.keys(before).filter((name) => before[name] !== after[name]);
  if (changed.length > 0) {
    settings.update(given);
    throw new StreamSessionsError(
      'ERR_CLUSTER_CONFIG',
      `All nodes of a cluster need the same ${changed.map((name) => `"${name}"`).join(', ')}: leave the cluster first.`,
    );
  }
  settings.update(patch);
}
