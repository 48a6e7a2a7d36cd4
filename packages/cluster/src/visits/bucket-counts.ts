import type { Reply } from '../link/link.js';
import { VERSION } from './visit-lua.js';

/** A count has changed by this much. */
type OnChange = (about: string, change: number) => void;

/** The number of visits in one bucket, by kind and stream, as this node knows them. */
export class BucketCounts {
  /** Which ones were read; '': none. */
  private version = '';
  /** When, by the clock of Redis. */
  private readAt: number | undefined;
  /** In which life of the bucket: in another one, what has not changed may be different as well. */
  private epoch: string | undefined;
  private readonly read = new Map<string, number>();
  /** What this node has done since. */
  private readonly since = new Map<string, number>();

  constructor(private readonly onChange: OnChange) {}

  /** A step of this node has changed them: for questions before the next read. */
  note(about: string, change: number): void {
    const sum = (this.since.get(about) ?? 0) + change;
    // strangers name streams, and nobody may ask for years
    if (sum === 0) this.since.delete(about);
    else this.since.set(about, sum);
    this.onChange(about, change);
  }

  /** What `COUNT` needs, besides the incarnation. */
  known(epoch: string): string[] {
    if (this.epoch === epoch && this.readAt !== undefined) return [this.version, String(this.readAt)];
    return ['', ''];
  }

  /** What `COUNT` has answered in that life of the bucket. The effects of this node's steps after that are added on top. */
  take(epoch: string, reply: readonly Reply[]): void {
    for (const [about, change] of this.since) this.onChange(about, -change);
    this.since.clear();
    const [now, version, how, pairs] = reply;
    this.readAt = Number(now);
    this.epoch = epoch;
    if (version === undefined) return;
    this.version = String(version);
    const flat = pairs as readonly string[];
    if (how === 'all') this.forgetOthers(flat);
    for (let i = 0; i < flat.length; i += 2) this.set(String(flat[i]), Number(flat[i + 1]));
  }

  private set(about: string, count: number): void {
    if (about === VERSION) return;
    const change = count - (this.read.get(about) ?? 0);
    if (change === 0) return;
    if (count === 0) this.read.delete(about);
    else this.read.set(about, count);
    this.onChange(about, change);
  }

  private forgetOthers(flat: readonly string[]): void {
    const named = new Set(flat.map(String));
    for (const about of this.read.keys()) if (!named.has(about)) this.set(about, 0);
  }
}
