import type { Clock, Logger } from '@stream-sessions/core';
import { Queue } from '@stream-sessions/core/spi';
import { type Formatted, FORMATS } from '../formats/format.js';
import type { Journal } from '../journal/journal.js';
import type { Entry } from '../journal/ledger.js';
import type { Sent } from '../journal/records.js';
import type { CheckedEndpoint } from '../options.js';
import { signedHeaders } from '../sign.js';
import type { EndpointStatus } from '../types.js';
import type { Attempt, Poster } from './post.js';

/** The number of visits whose events are sent concurrently. */
const AT_ONCE = 8;
/** Spreads retries, so that they do not all come at the same moment: a wait is longer by up to this share. */
const JITTER = 0.2;
/** How long requests in progress have to finish when it stops. Milliseconds. */
const PATIENCE_MS = 2_000;
const GONE = 410;
const AGENT = 'stream-sessions-webhooks';

/** The events of one visit, sent one after the other. */
interface Lane {
  readonly entries: Entry[];
  /** Attempts at the first one. */
  tries: number;
  state: 'ready' | 'busy' | 'waiting';
  timer?: unknown;
}

export interface EndpointParts {
  readonly journal: Journal;
  readonly poster: Poster;
  readonly retryScheduleMs: readonly number[];
  readonly clock: Clock;
  readonly logger: Logger;
}

/** Sends one endpoint its events: in order for each visit, with retries by schedule until they are accepted. */
export class Endpoint {
  private readonly lanes = new Map<string, Lane>();
  private readonly ready = new Queue<Lane>();
  private busy = 0;
  private isOver = false;
  private delivered = 0;
  private failed = 0;
  private lastError: { at: number; error: string } | undefined = undefined;
  private idle: (() => void)[] = [];

  constructor(
    readonly options: CheckedEndpoint,
    private readonly parts: EndpointParts,
  ) {}

  get name(): string {
    return this.options.name;
  }

  get isGone(): boolean {
    return this.parts.journal.ledger.gone.has(this.name);
  }

  /** The entry is in the journal, and is sent when its turn comes. */
  push(entry: Entry): void {
    const key = entry.visit ?? `#${entry.place.n}`;
    const lane = this.lanes.get(key);
    if (lane !== undefined) return void lane.entries.push(entry);
    const made: Lane = { entries: [entry], tries: 0, state: 'ready' };
    this.lanes.set(key, made);
    this.ready.push(made);
    this.run();
  }

  status(): EndpointStatus {
    let queued = 0;
    for (const { entries } of this.lanes.values()) queued += entries.length;
    const { url, format } = this.options;
    const { delivered, failed, lastError } = this;
    return { name: this.name, host: url.host, format, isDisabled: this.isGone, queued, delivered, failed, lastError };
  }

  /** Sends an event that is not in the journal, now and once. */
  sendNow(event: Sent): Promise<Attempt> {
    return this.attempt(event);
  }

  /** Resolves when no request is in progress any more. What is waiting is in the journal. */
  async stop(): Promise<void> {
    this.isOver = true;
    for (const { timer } of this.lanes.values()) this.parts.clock.clearTimeout(timer);
    const { clock, poster } = this.parts;
    let timer: unknown;
    if (this.busy > 0) {
      await new Promise<void>((resolve) => {
        this.idle.push(resolve);
        // whatever is cut off is sent again by the next process
        timer = clock.setTimeout(() => poster.close(), PATIENCE_MS);
      });
    }
    clock.clearTimeout(timer);
    poster.close();
  }

  private run(): void {
    while (this.busy < AT_ONCE && !this.isOver) {
      const lane = this.ready.shift();
      if (lane === undefined) return;
      lane.state = 'busy';
      this.busy++;
      void this.sendFirst(lane).finally(() => {
        this.busy--;
        if (this.busy === 0) for (const tell of this.idle.splice(0)) tell();
        this.run();
      });
    }
  }

  private async sendFirst(lane: Lane): Promise<void> {
    const entry = lane.entries[0] as Entry;
    // removed to make room, or gone meanwhile
    if (!entry.to.has(this.name)) return this.advance(lane);
    const attempt = this.isGone ? { status: GONE, error: 'disabled' } : await this.tryOnce(entry);
    if (attempt.error === undefined) {
      this.delivered++;
      await this.parts.journal.note({ k: 'done', n: entry.place.n, e: this.name });
      return this.advance(lane);
    }
    if (attempt.status === GONE) return this.disable(lane, entry);
    this.failed++;
    this.lastError = { at: this.parts.clock.now(), error: attempt.error };
    if (this.isOver) return undefined;
    const waitMs = this.parts.retryScheduleMs[lane.tries++];
    if (waitMs === undefined) return this.giveUp(lane, entry, attempt.error);
    return this.wait(lane, Math.max(waitMs * (1 + Math.random() * JITTER), attempt.retryAfterMs ?? 0));
  }

  private wait(lane: Lane, ms: number): void {
    lane.state = 'waiting';
    lane.timer = this.parts.clock.setTimeout(() => {
      lane.state = 'ready';
      this.ready.push(lane);
      this.run();
    }, ms);
  }

  private async disable(lane: Lane, entry: Entry): Promise<void> {
    if (!this.isGone) {
      this.parts.logger.warn({ endpoint: this.name }, 'webhooks: an endpoint answered 410 and gets nothing more');
      await this.parts.journal.note({ k: 'gone', e: this.name });
    }
    await this.parts.journal.note({ k: 'done', n: entry.place.n, e: this.name });
    this.advance(lane);
  }

  private async giveUp(lane: Lane, entry: Entry, error: string): Promise<void> {
    this.parts.logger.warn(
      { endpoint: this.name, id: entry.id, error },
      'webhooks: an event could not be delivered, and is given up',
    );
    await this.parts.journal.note({ k: 'dead', n: entry.place.n, e: this.name, at: this.parts.clock.now(), error });
    this.advance(lane);
  }

  /** Moves on to the next event of the visit. */
  private advance(lane: Lane): void {
    const { visit, place } = lane.entries.shift() as Entry;
    lane.tries = 0;
    if (lane.entries.length === 0) this.lanes.delete(visit ?? `#${place.n}`);
    else {
      lane.state = 'ready';
      this.ready.push(lane);
    }
  }

  private async tryOnce(entry: Entry): Promise<Attempt> {
    try {
      return await this.attempt(await this.parts.journal.read(entry.place));
    } catch (error) {
      return { error: (error as Error).message };
    }
  }

  private attempt(event: Sent): Promise<Attempt> {
    const { format, signers } = this.options;
    const { body, headers }: Formatted = FORMATS[format](event);
    const signed = signedHeaders(signers, event.id, this.parts.clock.now(), body);
    return this.parts.poster.post({ body, headers: { 'user-agent': AGENT, ...headers, ...signed } });
  }
}
