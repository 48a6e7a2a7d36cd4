import { randomUUID } from 'node:crypto';
import type { Clock } from '@stream-sessions/core';
import { monotonic } from '@stream-sessions/core/spi';
import { LOG_BUCKET } from '../link/link.js';
import { leased } from '../membership/leased.js';
import type { Membership } from '../membership/membership.js';
import type { Batch, Said, Watched } from './said.js';
import type { Source } from './source.js';

/** A watcher that does not ask again is told nothing more after this long. Milliseconds. */
export const WATCH_MS = 7_000;
/** How long events wait for others. Milliseconds. */
const BATCH_MS = 100;
/** Characters per text, and the most texts that wait for a watcher: 4 MB at most. */
const MAX_TEXT = 40_000;
const LENGTH = 100;
const KEEP_MS = 10_000;
/** If more is pending, it is dropped: watchers then read the list again. */
const MAX_WAITING = 20_000;

/** Appends a text to the channel of each watcher. KEYS: leases, channels. ARGV: incarnation, text. */
const PUBLISH = leased(
  'publish',
  `
for i = 2, #KEYS do
  redis.call('XADD', KEYS[i], 'MAXLEN', '~', ${LENGTH}, '*', 'd', ARGV[2])
  redis.call('PEXPIRE', KEYS[i], ${KEEP_MS})
end
return #KEYS - 1`,
);

/** Reports what happens here to nodes that watch, in batches: for a session that changes repeatedly, only the latest change. */
export class Publisher {
  /** By channel: until when it is served, by the monotonic clock. */
  private readonly watchers = new Map<string, number>();
  private waiting: Said[] = [];
  private changed = new Map<string, Said>();
  private readonly id = randomUUID();
  private n = 0;
  private stopListening: (() => void) | undefined;
  private timer: unknown;

  constructor(
    private readonly membership: Membership,
    private readonly clock: Clock,
    private readonly source: Source,
  ) {}

  /** A node is watching, and will ask again within `WATCH_MS`. */
  watch(channel: string): Watched {
    const isNew = !this.watchers.has(channel);
    this.watchers.set(channel, monotonic(this.clock) + WATCH_MS);
    this.stopListening ??= this.source.listen((said) => this.add(said));
    return { isNew, by: this.id, n: this.n };
  }

  unwatch(channel: string): void {
    this.watchers.delete(channel);
    if (this.watchers.size === 0) this.stop();
  }

  stop(): void {
    this.stopListening?.();
    this.stopListening = undefined;
    this.clock.clearTimeout(this.timer);
    this.timer = undefined;
    this.watchers.clear();
    this.waiting = [];
    this.changed.clear();
  }

  private add(said: Said): void {
    if (said.name === 'changed') {
      const { progress, session } = said.event;
      const before = this.changed.get(progress.id);
      // a whole row that was not reported yet is merged with what has moved since
      const row = session ?? (before?.name === 'changed' ? before.event.session : undefined);
      const event = row === undefined ? said.event : { ...said.event, session: { ...row, ...progress } };
      this.changed.set(progress.id, { ...said, event });
    } else this.waiting.push(said);
    this.timer ??= this.clock.setTimeout(() => void this.flush(), BATCH_MS);
  }

  private async flush(): Promise<void> {
    const now = monotonic(this.clock);
    for (const [channel, until] of this.watchers) if (until <= now) this.watchers.delete(channel);
    if (this.watchers.size === 0) return this.stop();
    const all = [...this.waiting, ...this.changed.values()];
    this.waiting = [];
    this.changed = new Map();
    // a skipped number tells watchers that something is missing
    if (all.length > MAX_WAITING) this.n++;
    else for (const said of inTexts(all)) await this.publish(said);
    this.timer = undefined;
    if (this.stopListening !== undefined && this.waiting.length + this.changed.size > 0) {
      this.timer = this.clock.setTimeout(() => void this.flush(), BATCH_MS);
    }
  }

  /** @param said As JSON. */
  private async publish(said: string): Promise<void> {
    const head: Omit<Batch, 'said'> = { from: this.membership.incarnation, by: this.id, n: ++this.n };
    const text = `${JSON.stringify(head).slice(0, -1)},"said":[${said}]}`;
    // if this fails, watchers notice by the number
    await this.membership.run(PUBLISH, LOG_BUCKET, [...this.watchers.keys()], [text]).catch(() => undefined);
  }
}

function* inTexts(all: readonly Said[]): Iterable<string> {
  let text = '';
  for (const said of all) {
    const next = JSON.stringify(said);
    if (text !== '' && text.length + next.length > MAX_TEXT) {
      yield text;
      text = '';
    }
    text = text === '' ? next : `${text},${next}`;
  }
  if (text !== '') yield text;
}
