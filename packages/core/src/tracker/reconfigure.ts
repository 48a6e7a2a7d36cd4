import { SESSION_KINDS } from '../types/kinds.js';
import type { HotOptions } from '../types/options.js';
import type { Parts } from './assemble.js';
import type { Shutdown } from './shutdown.js';

/** Other options hold from now on, and every part hears of what concerns it. */
export function reconfigure(patch: HotOptions, parts: Parts, shutdown: Shutdown): void {
  const { settings, registry, denials, clock, attachments, lifecycle } = parts;
  const { recipes: before, addresses, enabled: wasEnabled } = settings;
  settings.update(patch);
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
