import type { ConnHit } from '../types/hit.js';
import type { CloseReason } from '../types/play-session.js';
import type { Admission, ConnHandle, PendingAdmission } from '../types/admission.js';
import type { ByteCounters } from './byte-counters.js';
import { samplerOf, type Registration, type SampledConnection } from './sampler.js';
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

/**
 * One connection that plays or publishes, from asking until it is over: admitted at once or later, refused, cut, or gone.
 * All that adapters of connection transports have in common; what differs is their `TransportClient`.
 */
export class TransportConnection<Client extends TransportClient = TransportClient> implements SampledConnection {
  private pending: PendingAdmission<ConnHandle> | undefined = undefined;
  private registration: Registration | undefined = undefined;
  private over = false;

  /** Once it is admitted; the sampler reads them. */
  handle!: ConnHandle;
  counters!: ByteCounters;

  constructor(
    readonly client: Client,
    private readonly tracker: SessionTracker,
    private readonly settings: ConnectionSettings,
    /** Called once, whoever ended it. */
    private readonly onOver: () => void,
  ) {}

  get stallTimeoutMs(): number {
    return this.settings.stallTimeoutMs;
  }

  /** Asks the tracker; the client hears the answer. Call it once, before media flows. */
  begin(hit: ConnHit): void {
    const asked = this.tracker.admit(hit);
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
  close(reason: CloseReason = 'client_gone', hangUp = false): void {
    if (!this.end()) return;
    this.pending?.cancel();
    // Admitted, and nothing to sample: the client had no counters to give.
    (this.registration ?? this.handle)?.close(reason);
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
      this.end();
      this.client.reject(answer.denial);
      this.client.dispose();
      return;
    }
    const { client, settings } = this;
    this.handle = answer.handle;
    this.counters = client.counters(answer.handle);
    this.registration = samplerOf(settings.clock).add(this);
    // Cut already, by somebody who heard of it as it opened: nothing may flow any more.
    if (wasPaused && !this.over) client.resume();
  }

  /** For the sampler, which calls it once: the tracker has ended it, or the client has stalled or is taken for gone. */
  destroy(reason: CloseReason): void {
    this.end();
    this.client.destroy(reason);
    this.client.dispose();
  }

  private end(): boolean {
    if (this.over) return false;
    this.over = true;
    this.onOver();
    return true;
  }
}
