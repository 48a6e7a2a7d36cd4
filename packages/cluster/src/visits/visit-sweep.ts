import type { Membership } from '../membership/membership.js';
import { readHappenings } from './happening.js';
import type { OnHappened, Outbox } from './outbox.js';
import { outboxKey, TAKE_OVER } from './outbox-steps.js';
import { SWEEP } from './sweep-step.js';
import { SHARDS } from './fields.js';
import { CHANGED_KEYS } from './visit-lua.js';
import { COUNTS, visitsKey } from './visit-steps.js';

/** The progress through what a dead incarnation left. */
interface Place {
  /** First what it has not reported, then its visits, hash by hash: each begins before it ends. */
  readonly of: 'outbox' | number;
  readonly cursor: string;
}

/** The number of the step that goes on there. Where its answer was lost it is taken again, and says what it had done. */
interface Slice extends Place {
  readonly step: string;
}

const BEGINNING: Place = { of: 'outbox', cursor: '0' };

/**
 * Removes what a dead node held, a slice at a time, so that Redis can serve others meanwhile; and reports what it had not
 * reported.
 */
export class VisitSweep {
  /** Where to continue, by bucket and dead incarnation. */
  private readonly at = new Map<string, Slice>();

  constructor(
    private readonly membership: Membership,
    private readonly outbox: Outbox,
    private readonly onHappened: OnHappened,
  ) {}

  /** True: there is more. */
  async slice(bucket: number, dead: string): Promise<boolean> {
    const key = `${bucket} ${dead}`;
    const slice = this.at.get(key) ?? this.from(BEGINNING);
    this.at.set(key, slice);
    const { of } = slice;
    const next = await (of === 'outbox' ? this.takeOver(bucket, dead, slice) : this.sweep(bucket, dead, of, slice));
    if (next === undefined) this.at.delete(key);
    else this.at.set(key, this.from(next));
    return next !== undefined;
  }

  private from(place: Place): Slice {
    return { ...place, step: this.outbox.next() };
  }

  private async takeOver(bucket: number, dead: string, { cursor, step }: Slice): Promise<Place> {
    const keys = [outboxKey(this.membership.incarnation), outboxKey(dead)];
    const reply = await this.membership.run(TAKE_OVER, bucket, keys, [step, cursor]);
    const [text, next, hasMore] = reply as readonly [string, string, number];
    this.tell(bucket, step, text);
    return hasMore === 1 ? { of: 'outbox', cursor: String(next) } : { of: 0, cursor: '0' };
  }

  private async sweep(
    bucket: number,
    dead: string,
    shard: number,
    { cursor, step }: Slice,
  ): Promise<Place | undefined> {
    const keys = [COUNTS, outboxKey(this.membership.incarnation), visitsKey(shard), ...CHANGED_KEYS];
    const reply = await this.membership.run(SWEEP, bucket, keys, [step, dead, cursor]);
    const [next, text] = reply as readonly [string, string];
    this.tell(bucket, step, text);
    if (String(next) !== '0') return { of: shard, cursor: String(next) };
    return shard + 1 < SHARDS ? { of: shard + 1, cursor: '0' } : undefined;
  }

  private tell(bucket: number, step: string, text: string): void {
    const happenings = readHappenings(text);
    const told = this.outbox.expect(bucket, step, happenings.length);
    for (const happening of happenings) this.onHappened(happening, told);
  }
}
