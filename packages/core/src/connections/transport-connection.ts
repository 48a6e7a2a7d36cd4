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

/** The adapter options that a connection needs. */
export interface ConnectionSettings {
  /** A client that takes nothing for this long while media is waiting for it is cut as `stalled`. Milliseconds; 0 = never. */
  readonly stallTimeoutMs: number;
  /** The clock for the once-a-second readings. Default: the wall clock. */
  readonly clock?: Clock;
}

/** Subscribes to the end of a client and returns a function that unsubscribes. */
export type SubscribeToEnd = (gone: () => void) => () => void;

/** The owner of connections kept by key, and what they share. */
export interface ConnectionOwner<Connection> {
  readonly tracker: SessionTracker;
  readonly settings: ConnectionSettings;
  /** Called once for each connection, whichever side ended it. */
  forget(connection: Connection): void;
}

/**
 * One connection that plays or publishes, from the admission request to its end: admitted at once or later, refused, cut, or
 * gone. It holds what all adapters of connection transports have in common; what differs is their `TransportClient`.
 */
export class TransportConnection<Client extends TransportClient = TransportClient, Key = unknown> extends SamplerEntry {
  private pending: PendingAdmission<ConnHandle> | undefined = undefined;
  private over = false;
  private unsubscribe: (() => void) | undefined = undefined;

  /** Set once the connection is admitted; the sampler reads them. */
  handle!: ConnHandle;
  counters!: ByteCounters;

  constructor(
    readonly client: Client,
    readonly key: Key,
    private readonly owner: ConnectionOwner<TransportConnection<Client, Key>>,
  ) {
    super();
  }

  /** Closes the connection as `client_gone` when its client ends. */
  endsWith(subscribe: SubscribeToEnd): void {
    this.unsubscribe = subscribe(() => this.close());
  }

  get stallTimeoutMs(): number {
    return this.owner.settings.stallTimeoutMs;
  }

  /** Asks the tracker; the client is told the answer. Call it once, before media flows. */
  begin(hit: ConnHit): void {
    const asked = this.owner.tracker.admit(hit);
    if (!('then' in asked)) return this.answered(asked);
    this.pending = asked;
    this.client.pause();
    asked
      .then((answer) => this.answered(answer, true))
      // An admission fails closed on its own; this is for a tracker that does not, and for a server that what was held back upsets.
      .catch(() => this.close('transport_error', true));
  }

  /**
   * The client has gone or is no longer watched. Safe to call twice.
   *
   * @param hangUp Cuts the transport too. Default: it is left alone.
   */
  override close(reason: CloseReason = 'client_gone', hangUp = false): void {
    if (!this.finish()) return;
    this.pending?.cancel();
    if (this.isSampled) super.close(reason);
    // Admitted, but there is nothing to sample: the client had no counters.
    else this.handle?.close(reason);
    if (hangUp) this.client.destroy(reason);
    else if (this.pending !== undefined) this.letGo(reason);
    this.client.dispose();
  }

  /** Without a verdict, nothing may flow; unless it is nobody's business any more, because the adapter was detached. */
  private letGo(reason: CloseReason): void {
    if (reason === 'shutdown') this.client.resume();
    else this.client.abandon?.();
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
    // Cut already, by a listener of its opening: nothing may flow any more.
    if (wasPaused && !this.over) client.resume();
  }

  /** Called once, by the sampler: the tracker has ended the session, or the client has stalled or is presumed gone. */
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
