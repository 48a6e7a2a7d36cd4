import type { ResolvedHit } from '../identity/resolved-hit.js';
import type { Registry } from '../registry/registry.js';
import type { Settings } from '../settings/settings.js';
import type { Logger } from '../support/logger.js';

/** Pending openings, which already take up places. */
interface Pending {
  readonly size: number;
  countAt(network: string): number;
}

/** Checks whether another session fits: under the total cap, and under the cap of its address. */
export class Capacity {
  private warned = false;

  constructor(
    private readonly settings: Settings,
    private readonly registry: Registry,
    private readonly pending: Pending,
    private readonly logger: Logger,
  ) {}

  isFull({ network }: ResolvedHit): boolean {
    const { maxSessions, maxSessionsPerIp } = this.settings;
    const here = this.registry.countOfNetwork(network) + this.pending.countAt(network);
    const all = this.registry.live.size + this.registry.unserved.size + this.pending.size;
    const full = all >= maxSessions || here >= maxSessionsPerIp;
    if (full && !this.warned) {
      this.warned = true;
      this.logger.warn(
        { active: this.registry.live.size, maxSessions, sameAddress: here, maxSessionsPerIp },
        'a cap on sessions is reached; if all viewers seem to share one address, configure which proxies are trusted',
      );
    }
    return full;
  }
}
