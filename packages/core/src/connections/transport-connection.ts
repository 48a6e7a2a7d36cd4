import type { ConnHit } from '../types/hit.js';
import type { CloseReason } from '../types/play-session.js';
import type { Admission, ConnHandle, PendingAdmission } from '../types/admission.js';
import type { ByteCounters } from './byte-counters.js';
import { samplerOf } from './sampler.js';
import { SamplerEntry } from './sampler-entry.js';
import type { Clock } from '../support/clock.js';
import type { SessionTracker } from '../types/tracker.js';
import type { TransportClient } from './transport-client.js';

type Answer = Admission<ConnHandle>;

/** What a connection needs to know of its adapter's options. */
export interface ConnectionSettings {
  /** A client that takes nothing for so many milliseconds while there is media for it is cut as `stalled`; 0 = never. */
  readonly stallTimeoutMs: number;
  /** Where the once-a-second readings take their time from. Default: the wall clock. */
  readonly clock?: Clock;
}

/** Subscribes to the end of a client, and returns what unsubscribes. */
export type SubscribeToEnd = (gone: () => void) => () => void;

/** Who keeps connections by a key, and what they share. */
export interface ConnectionOwner<Connection> {
  readonly tracker: SessionTracker;
  readonly settings: ConnectionSettings;
  /** Called once for each, whoever ended it. */
  forget(connection: Connection): void;
}

/**
 * One connection that plays or publishes, from asking until it is over: admitted at once or later, refused, cut, or gone.
 * All that adapters of connection transports have in common; what differs is their `TransportClient`.
 */
export class TransportConnection<Client extends TransportClient = TransportClient, Key = unknown> extends SamplerEntry {
  private pending: PendingAdmission<ConnHandle> | undefined = undefined;
  private over = false;
  private unsubscribe: (() => void) | undefined = undefined;

  /** Once it is admitted; the sampler reads them. */
  handle!: ConnHandle;
  counters!: ByteCounters;

  constructor(
    readonly client: Client,
    readonly key: Key,
    private readonly owner: ConnectionOwner<TransportConnection<Client, Key>>,
  ) {
    super();
  }

  /** It closes as `client_gone` with the end of its client. */
  endsWith(subscribe: SubscribeToEnd): void {
    this.unsubscribe = subscribe(() => this.close());
  }

  get stallTimeoutMs(): number {
    return this.owner.settings.stallTimeoutMs;
  }

  /** Asks the tracker; the client hears the answer. Call it once, before media flows. */
  begin(hit: ConnHit): void {
    const asked = this.owner.tracker.admit(hit);
    if (!('then' in asked)) return this.answered(asked);
    this.pending = asked;
    this.client.pause();
    asked.then(
      (answer) => this.answered(answer, true),
      // An admission fails closed by itself: this is for a tracker that does not.
      () => this.close('transport_error', true),
    );
  }

  /**
   * The client has gone, or is no longer watched. Harmless twice.
   *
   * @param hangUp Cut it too. Default: the transport is left alone.
   */
  override close(reason: CloseReason = 'client_gone', hangUp = false): void {
    if (!this.finish()) return;
    this.pending?.cancel();
    if (this.isSampled) super.close(reason);
    // Admitted, and nothing to sample: the client had no counters to give.
    else this.handle?.close(reason);
    if (hangUp) this.client.destroy(reason);
    else if (this.pending !== undefined) this.client.resume();
    this.client.dispose();
  }

  private answered(answer: Answer, wasPaused = false): void {
    this.pending = undefined;
    if (this.over) {
      if (answer.admitted) answer.handle.close();
      return;
    }
    if (!answer.admitted) {
      this.finish();
      this.client.reject(answer.denial);
      this.client.dispose();
      return;
    }
    const { client } = this;
    this.handle = answer.handle;
    this.counters = client.counters(answer.handle);
    samplerOf(this.owner.settings.clock).addEntry(this);
    // Cut already, by somebody who heard of it as it opened: nothing may flow any more.
    if (wasPaused && !this.over) client.resume();
  }

  /** For the sampler, which calls it once: the tracker has ended it, or the client has stalled or is taken for gone. */
  destroy(reason: CloseReason): void {
    this.finish();
    this.client.destroy(reason);
    this.client.dispose();
  }

  private finish(): boolean {
    if (this.over) return false;
    this.over = true;
    this.unsubscribe?.();
    this.owner.forget(this);
    return true;
  }
}
