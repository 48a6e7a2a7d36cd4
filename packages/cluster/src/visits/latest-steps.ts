import type { Clock } from '@stream-sessions/core';
import { RecentMap } from '@stream-sessions/core/spi';
import { BUCKETS, EVERY_BUCKET } from '../link/link.js';
import { HOLDER_LENGTH } from '../membership/lease-steps.js';
import { leased } from '../membership/leased.js';
import type { Membership } from '../membership/membership.js';
import { SHARDS } from './fields.js';
import { BEHIND, COUNTS, LATEST, LOOK, VISITS_KEYS } from './visit-steps.js';

/** A replica that is further behind is none; and what nobody has changed for a day expires. Milliseconds. */
const LOOK_FOR_MS = 600_000;

const EVERY_SHARD = Array.from({ length: SHARDS }, (_, shard) => shard);

/** Forgets the latest steps of this incarnation. KEYS: leases, the hashes of visits. ARGV: incarnation. */
const FORGET = leased(
  'forget-steps',
  `
for i = 2, #KEYS do redis.call('HDEL', KEYS[i], '${LATEST}' .. string.sub(ARGV[1], 1, ${HOLDER_LENGTH})) end
return 'OK'`,
);

/** The latest step about each hash of visits that Redis has answered: it must still be there. */
export class LatestSteps {
  /** By incarnation, bucket and hash. */
  private readonly latest = new RecentMap<{ readonly step: string; readonly at: number }>({
    max: 2 * BUCKETS * SHARDS,
  });

  constructor(
    private readonly membership: Membership,
    private readonly clock: Clock,
  ) {}

  /** Its number; `-`: there was none lately. */
  of(bucket: number, shard: number, incarnation = this.membership.incarnation): string {
    const latest = this.latest.get(keyOf(incarnation, bucket, shard));
    return latest !== undefined && this.clock.now() - latest.at < LOOK_FOR_MS ? latest.step : '-';
  }

  answered(bucket: number, shard: number, step: string): void {
    this.latest.set(keyOf(this.membership.incarnation, bucket, shard), { step, at: this.clock.now() });
  }

  /** Looks for all of them, also where nothing else is asked. */
  async look(): Promise<void> {
    await this.lookIn(EVERY_BUCKET, this.membership.incarnation);
  }

  /**
   * The same for those of the incarnation before, in buckets that live on: Redis may have lost writes while this process had no lease.
   * True: it has, and all nodes join anew.
   */
  lookForFormer(buckets: readonly number[]): Promise<boolean> {
    return this.lookIn(buckets, this.membership.formerIncarnation);
  }

  private async lookIn(buckets: readonly number[], incarnation: string): Promise<boolean> {
    const { membership } = this;
    const looks = buckets.map(async (bucket) => {
      const steps = EVERY_SHARD.map((shard) => this.of(bucket, shard, incarnation));
      if (steps.every((step) => step === '-')) return false;
      const args = [incarnation.slice(0, HOLDER_LENGTH), ...steps];
      return (await membership.run(LOOK, bucket, [COUNTS, ...VISITS_KEYS], args)) === BEHIND;
    });
    // where it cannot be asked, the next renewal asks again
    const found = await Promise.all(looks.map((look) => look.catch(() => false)));
    if (found.includes(true)) await membership.lostWrites();
    return found.includes(true);
  }

  /** This node leaves. */
  async forget(bucket: number): Promise<void> {
    await this.membership.run(FORGET, bucket, VISITS_KEYS, []);
  }
}

const keyOf = (incarnation: string, bucket: number, shard: number): string => `${incarnation} ${bucket} ${shard}`;
