import { type Clock, type PlaySession, type SessionDirectory, toWire } from '@stream-sessions/core';
import { EVENT_NAMES, eventToWire, needDirectory } from '@stream-sessions/core/spi';
import type { Lookup } from './delivery/public-address.js';
import { Endpoint } from './delivery/endpoint.js';
import { Poster } from './delivery/post.js';
import { Journal } from './journal/journal.js';
import type { Entry, Place } from './journal/ledger.js';
import type { Sent, VisitMark } from './journal/records.js';
import { checked, type WebhooksOptions } from './options.js';
import { Publishers } from './publishers.js';
import { essence, idOf, limitCrossed, newId, publisherLost, visitOf } from './sent.js';
import { StreamsEverywhere } from './streams-everywhere.js';
import { Subscription } from './subscription.js';
import type { DeadLetter, Webhooks } from './types.js';

/** How often it checks while visits of an earlier process may still come back. Milliseconds. */
const LOOK_AGAIN_MS = 1_000;
/** The number of visits recorded before the event loop gets its turn and the journal writes them. */
const AT_ONCE = 250;

/** The parts of an `on()` event, whichever it is, that are needed here. */
interface Event {
  readonly occurredAt: number;
  readonly session?: PlaySession;
  readonly viewers?: number;
  readonly eventId?: string | undefined;
}

/**
 * Tells other servers what happens: signed according to Standard Webhooks 1.0.0, at least once, in order for each visit, and even
 * after this process was killed. Visits that an earlier process left open and that are not live are closed as `lost`. Resolves
 * when the live sessions are in the journal.
 *
 * @throws StreamSessionsError ERR_BAD_OPTION; ERR_WEBHOOKS_IN_USE if another process, or other webhooks of this one, use the
 *   journal
 * @throws Error of the file system, if the journal cannot be created or read
 * @example const webhooks = await createWebhooks(tracker, { endpoints: [{ url, secrets }], journal: 'webhooks.journal' });
 */
export function createWebhooks(directory: SessionDirectory, options: WebhooksOptions): Promise<Webhooks> {
  return start(directory, options);
}

/** @param ask Resolves names instead of the system's resolver. */
export async function start(directory: SessionDirectory, options: WebhooksOptions, ask?: Lookup): Promise<Webhooks> {
  needDirectory('createWebhooks(): the first argument', directory);
  const {
    endpoints,
    journal: file,
    maxJournalBytes,
    retryScheduleMs,
    allowPrivateNetworks,
    clock,
    logger,
  } = checked(options);
  const journal = await Journal.open(file, maxJournalBytes, clock, logger);
  const all = endpoints.map((endpoint) => {
    const poster = new Poster(endpoint.url, clock, allowPrivateNetworks, ask);
    return new Endpoint(endpoint, { journal, poster, retryScheduleMs, clock, logger });
  });
  // only then does a tracker that restores visits know which of them may be continued
  await (directory as { readonly ready?: Promise<unknown> }).ready;
  const webhooks = new RunningWebhooks(directory, journal, all, clock);
  await webhooks.hasBegun;
  return webhooks;
}

class RunningWebhooks implements Webhooks {
  private readonly byName: ReadonlyMap<string, Endpoint>;
  private readonly subscriptions: readonly Subscription[];
  private readonly publishers = new Publishers();
  /** In a cluster, the viewers of streams are counted over all nodes. */
  private readonly streams: StreamsEverywhere | undefined;
  private readonly hearsOfPublishers: boolean;
  /** Some endpoint wants `session.closed`, and nothing else reports the ends of an earlier process's visits. */
  private readonly endsMatter: boolean;
  private readonly detach: (() => void)[];
  private stopping: Promise<void> | undefined = undefined;
  /** Resolves when the sessions that were live at the beginning are in the journal. */
  hasBegun: Promise<unknown> | undefined = undefined;
  private timer: unknown = undefined;

  constructor(
    private readonly directory: SessionDirectory,
    private readonly journal: Journal,
    private readonly all: readonly Endpoint[],
    private readonly clock: Clock,
  ) {
    this.byName = new Map(all.map((endpoint) => [endpoint.name, endpoint]));
    this.subscriptions = all.map(({ options }) => new Subscription(options));
    this.endsMatter =
      directory.tellsEveryEnd !== true && all.some(({ options }) => options.events.has('session.closed'));
    const { everywhere } = directory;
    this.hearsOfPublishers = all.some(({ options }) => options.events.has('stream.publisher_lost'));
    this.streams =
      everywhere &&
      new StreamsEverywhere({
        ...{ everywhere, clock, subscriptions: this.subscriptions },
        onCrossed: (subscription, ...crossed) => this.tellCrossing(limitCrossed(clock.now(), ...crossed), subscription),
      });
    for (const entry of journal.ledger.entries.values()) this.hand(entry);
    directory.on('attached', ({ sessions, occurredAt }) => this.begin(sessions, occurredAt));
    const names = EVENT_NAMES.filter((name) => name !== 'updated' && name !== 'changed');
    this.detach = names.map((name) => directory.on(name, (event) => this.take(name, event as Event)));
  }

  get dropped(): number {
    return this.journal.dropped;
  }

  endpoints() {
    return this.all.map((endpoint) => endpoint.status());
  }

  deadLetters(): DeadLetter[] {
    return [...this.journal.ledger.entries.values()].flatMap(({ id, type, at, dead }) =>
      [...dead].map(([endpoint, { at: givenUpAt, error }]) => ({
        id,
        endpoint,
        type,
        occurredAt: at,
        givenUpAt,
        error,
      })),
    );
  }

  resend(id: string, endpoint?: string): boolean {
    let found = false;
    for (const entry of this.journal.ledger.entries.values()) {
      if (entry.id !== id) continue;
      for (const e of entry.dead.keys()) {
        if (endpoint !== undefined && e !== endpoint) continue;
        const to = this.byName.get(e);
        if (to === undefined) continue;
        found = true;
        void this.journal.note({ k: 'again', n: entry.place.n, e }).then(() => to.push(entry));
      }
    }
    return found;
  }

  enable(endpoint: string): boolean {
    if (!this.byName.has(endpoint)) return false;
    if (this.journal.ledger.gone.has(endpoint)) void this.journal.note({ k: 'back', e: endpoint });
    return true;
  }

  async test(endpoint: string) {
    const event = { type: 'webhook.test', stream_code: '', payload: {} };
    return this.byName.get(endpoint)?.sendNow({ id: newId(), at: this.clock.now(), ...event });
  }

  stop(): Promise<void> {
    this.stopping ??= this.end();
    return this.stopping;
  }

  private async end(): Promise<void> {
    for (const off of this.detach) off();
    this.streams?.stop();
    this.clock.clearTimeout(this.timer);
    await Promise.all(this.all.map((endpoint) => endpoint.stop()));
    await this.journal.close();
  }

  /** Live sessions continue; those that were live and no longer are, are lost. */
  private begin(sessions: Iterable<PlaySession>, at: number): void {
    const left = new Map(this.journal.ledger.open);
    const viewers = new Map<string, number>();
    const fresh: string[] = [];
    for (const session of sessions) {
      if (session.kind === 'viewer') viewers.set(session.stream, (viewers.get(session.stream) ?? 0) + 1);
      this.publishers.opened(session);
      if (!left.delete(visitOf(session))) fresh.push(session.id);
    }
    if (this.streams === undefined) {
      for (const { thresholds } of this.subscriptions)
        for (const [stream, count] of viewers) thresholds.see(stream, count);
    }
    this.hasBegun = Promise.all([this.writeDown(fresh, at), this.streams?.begin()]);
    if (left.size > 0) void this.closeLost(left, this.journal.ledger.lastAt);
  }

  /** A few at a time: writing a hundred thousand lines at once would cause a pause and fill the heap. */
  private async writeDown(ids: readonly string[], at: number): Promise<void> {
    const isWanted = this.all.some(({ options }) => options.events.has('session.attached'));
    if (!isWanted && !this.endsMatter) return;
    const { open } = this.journal.ledger;
    for (const [i, id] of ids.entries()) {
      const session = await Promise.resolve(this.directory.get(id)).catch(() => undefined);
      // it has ended meanwhile, or begun again, which was reported
      if (session === undefined || session.closedAt !== undefined || open.has(visitOf(session))) continue;
      const payload = isWanted ? { ...toWire(session), session_id: session.id } : essence(session);
      const event = { id: newId(), at, type: 'session.attached', stream_code: session.stream, payload };
      this.send(event, { visit: visitOf(session), is: 'open' });
      if (i % AT_ONCE === AT_ONCE - 1) await this.journal.written();
    }
    await this.journal.written();
  }

  /** As soon as no visit of an earlier process can come back any more. */
  private async closeLost(left: ReadonlyMap<string, Place>, at: number): Promise<void> {
    const mayComeBack = await this.mayComeBack();
    if (this.stopping !== undefined) return;
    if (mayComeBack) {
      this.timer = this.clock.setTimeout(() => void this.closeLost(left, at), LOOK_AGAIN_MS);
      return;
    }
    const { open } = this.journal.ledger;
    const due: Promise<void>[] = [];
    for (const [visit, place] of left) {
      // visits that have come back, or were closed by the tracker, do not need it
      if (open.get(visit) !== place) continue;
      due.push(this.close(visit, place, at).catch(() => this.journal.ledger.forget({ visit, place })));
      if (due.length < AT_ONCE) continue;
      await Promise.all(due.splice(0));
      if (this.stopping !== undefined) return;
      await this.journal.written();
    }
  }

  private async mayComeBack(): Promise<boolean> {
    try {
      return (await this.directory.stats()).waiting > 0;
    } catch {
      // a directory that cannot answer now is asked again
      return true;
    }
  }

  /** Only its state at opening is known. */
  private async close(visit: string, place: Place, at: number): Promise<void> {
    const { stream_code, payload } = await this.journal.read(place);
    if (this.stopping !== undefined) return;
    const closed = { ...payload, closed_at: new Date(at).toISOString(), close_reason: 'lost', reason: 'lost' };
    this.send({ id: newId(), at, type: 'session.closed', stream_code, payload: closed }, { visit, is: 'over' });
  }

  private take(name: (typeof EVENT_NAMES)[number], event: Event): void {
    const { session, viewers } = event;
    const { id: _none, occurred_at: _at, ...wire } = eventToWire(name, event as never, '');
    const is = name === 'closed' ? 'over' : 'open';
    const id = event.eventId === undefined ? newId() : idOf(event.eventId);
    const sent: Sent = { id, at: event.occurredAt, ...wire };
    this.send(sent, session === undefined ? undefined : { visit: visitOf(session), is });
    if (session === undefined || viewers === undefined) return;
    if (this.streams !== undefined) {
      if (session.kind === 'input' && this.hearsOfPublishers)
        void this.lookAtPublisher(this.streams, session, is, event.occurredAt);
      return;
    }
    if (session.kind === 'viewer') this.look(session, viewers, event.occurredAt);
    const isLost = is === 'over' ? this.publishers.closed(session) : this.publishers.opened(session);
    if (isLost) this.send(publisherLost(session, event.occurredAt), undefined);
  }

  private async lookAtPublisher(
    streams: StreamsEverywhere,
    session: PlaySession,
    is: 'open' | 'over',
    at: number,
  ): Promise<void> {
    if (is === 'open') return streams.opened(session);
    if (await streams.closed(session)) this.send(publisherLost(session, at), undefined);
  }

  private look({ stream }: PlaySession, viewers: number, at: number): void {
    for (const subscription of this.subscriptions.filter((each) => each.hears(stream))) {
      for (const crossing of subscription.thresholds.see(stream, viewers)) {
        if (crossing.isNews) this.tellCrossing(limitCrossed(at, stream, viewers, crossing), subscription);
      }
    }
  }

  private tellCrossing(event: Sent, { endpoint }: Subscription): void {
    this.journalFor(event, [endpoint.name], undefined);
  }

  private send(event: Sent, mark: VisitMark | undefined): void {
    const to = this.subscriptions.filter((each) => each.wants(event)).map(({ endpoint }) => endpoint.name);
    const known = this.endsMatter ? mark : undefined;
    const isNews = known !== undefined && (known.is === 'open' || this.journal.ledger.open.has(known.visit));
    if (to.length > 0 || isNews) this.journalFor(event, to, known);
  }

  private journalFor(event: Sent, to: readonly string[], mark: VisitMark | undefined): void {
    const { gone } = this.journal.ledger;
    const names = to.filter((name) => !gone.has(name));
    this.journal.add(event, names, mark, (entry) => this.hand(entry));
  }

  private hand(entry: Entry): void {
    for (const name of entry.to) {
      const endpoint = this.byName.get(name);
      if (endpoint !== undefined) endpoint.push(entry);
      // it was removed from the options
      else void this.journal.note({ k: 'done', n: entry.place.n, e: name });
    }
  }
}
