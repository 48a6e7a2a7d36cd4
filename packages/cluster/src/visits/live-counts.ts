import type { Clock, LiveVisits, SessionKind } from '@stream-sessions/core';
import { SESSION_KINDS, monotonic } from '@stream-sessions/core/spi';
import { EVERY_BUCKET, type Reply } from '../link/link.js';
import type { Membership } from '../membership/membership.js';
import { BucketCounts } from './bucket-counts.js';
import { readAbout } from './fields.js';
import { COUNT } from './figure-steps.js';
import { CHANGED_KEYS } from './visit-lua.js';
import { COUNTS } from './visit-steps.js';

/** Older counts are read again before anyone is answered. Milliseconds. */
const MAX_AGE_MS = 1_000;
/** How often they are read while somebody asks, leaving time for the reply. Milliseconds. */
const READ_EVERY_MS = 700;
/** How long they are still read after the last question. Milliseconds. */
const LINGER_MS = 5_000;

/** The visits of one stream, by kind. */
export type CountsOfStream = Readonly<Record<SessionKind, number>>;

const nobody = (): Record<SessionKind, number> => ({ viewer: 0, input: 0, output: 0, unspecified: 0 });

/** The number of visits by kind and stream, in memory: at most a second old, and including what this node has done since. */
export class LiveCounts {
  private readonly buckets = EVERY_BUCKET.map(() => new BucketCounts((about, change) => this.add(about, change)));
  /** The sums over all buckets, of streams that have any. */
  private readonly byStream = new Map<string, Record<SessionKind, number>>();
  private readonly totals = nobody();
  /** When the latest counts were requested, by the monotonic clock. */
  private readAt = -Infinity;
  /** The same by the clock of the cluster. */
  private at = 0;
  private askedAt = -Infinity;
  private keepers = 0;
  private reading: Promise<void> | undefined;
  private timer: unknown;
  private isStopped = false;

  constructor(
    private readonly membership: Membership,
    private readonly clock: Clock,
  ) {}

  /** @throws StreamSessionsError ERR_CLUSTER_ALONE, ERR_CLUSTER_LINK (as rejections) if they cannot be read */
  async count(kinds: readonly SessionKind[], stream?: string): Promise<number> {
    if (!this.isFresh()) await this.read();
    const counts = stream === undefined ? this.totals : this.byStream.get(stream);
    let sum = 0;
    if (counts !== undefined) for (const kind of kinds) sum += counts[kind];
    return sum;
  }

  /** All streams. Rejects like `count`. */
  async streams(): Promise<ReadonlyMap<string, CountsOfStream>> {
    return (await this.live()).streams;
  }

  /** The same, with the time of the count. `isFresh`: as of now; a read that began earlier does not count. */
  async live({ isFresh = false }: { readonly isFresh?: boolean } = {}): Promise<LiveVisits> {
    if (isFresh) await this.reading?.catch(() => undefined);
    if (isFresh || !this.isFresh()) await this.read();
    const streams = new Map(Array.from(this.byStream, ([stream, counts]) => [stream, { ...counts }]));
    return { at: this.at, streams };
  }

  /** Without asking. Undefined: unknown, or too old. */
  viewersOf(stream: string): number | undefined {
    if (!this.isFresh()) return undefined;
    return this.byStream.get(stream)?.viewer ?? 0;
  }

  /** Reads them from now on, whether or not somebody asks. Returns a function that ends this. */
  keep(): () => void {
    this.keepers++;
    // if this fails, they are read again when somebody asks
    this.read().catch(() => undefined);
    let isKept = true;
    return () => {
      if (isKept) this.keepers--;
      isKept = false;
    };
  }

  /** A step of this node has changed the counts: for questions before the next read. */
  note(bucket: number, about: string, change: 1 | -1): void {
    this.buckets[bucket]?.note(about, change);
  }

  stop(): void {
    this.isStopped = true;
    this.clock.clearTimeout(this.timer);
  }

  private isFresh(): boolean {
    const now = monotonic(this.clock);
    this.askedAt = now;
    return now - this.readAt <= MAX_AGE_MS;
  }

  private read(): Promise<void> {
    this.reading ??= this.readAll().finally(() => {
      this.reading = undefined;
      this.readLater();
    });
    return this.reading;
  }

  private async readAll(): Promise<void> {
    const askedAt = monotonic(this.clock);
    const at = this.membership.nodes.now();
    await Promise.all(this.buckets.map((counts, bucket) => this.readBucket(counts, bucket)));
    this.readAt = askedAt;
    this.at = at;
  }

  private async readBucket(counts: BucketCounts, bucket: number): Promise<void> {
    const { membership } = this;
    const { id } = membership.epochOf(bucket);
    counts.take(id, (await membership.run(COUNT, bucket, [COUNTS, ...CHANGED_KEYS], counts.known(id))) as Reply[]);
  }

  private readLater(): void {
    this.clock.clearTimeout(this.timer);
    const now = monotonic(this.clock);
    if (this.isStopped || (this.keepers === 0 && now - this.askedAt > LINGER_MS)) return;
    this.timer = this.clock.setTimeout(() => void this.read().catch(() => undefined), READ_EVERY_MS);
  }

  private add(about: string, change: number): void {
    const { kind, stream } = readAbout(about);
    const known = this.byStream.get(stream);
    const counts = known ?? nobody();
    counts[kind] += change;
    this.totals[kind] += change;
    if (known === undefined) this.byStream.set(stream, counts);
    else if (counts[kind] === 0 && SESSION_KINDS.every((each) => counts[each] === 0)) this.byStream.delete(stream);
  }
}
