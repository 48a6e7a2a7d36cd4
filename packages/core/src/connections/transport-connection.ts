import type { ConnHit } from '../types/hit.js';
import type { CloseReason } from '../types/play-session.js';
import type { Admission, ConnHandle, PendingAdmission } from '../types/admission.js';
import type { Flow } from './byte-counters.js';
import { samplerOf, type Sampled, type Sampling } from './sampler.js';
import type { Clock } from '../support/clock.js';
import type { SessionTracker } from '../types/tracker.js';
import type { VisitClient } from './transport-client.js';

type Answer = Admission<ConnHandle>;

/** What a visit needs to know of its adapter's options. */
export interface VisitSettings {
  /** A client that takes nothing for so many milliseconds while there is media for it is cut as `stalled`; 0 = never. */
  readonly stallTimeoutMs: number;
  /** Where the once-a-second readings take their time from. Default: the wall clock. */
  readonly clock?: Clock;
}

/**
 * One connection that plays or publishes, from asking until it is over: admitted at once or later, refused, cut, or gone.
 * All that adapters of connection transports have in common; what differs is their `VisitClient`.
 */
export class Visit implements Sampling {
  private pending: PendingAdmission<ConnHandle> | undefined = undefined;
  private sampled: Sampled | undefined = undefined;
  private over = false;

  /** Once it is admitted; the sampler reads them. */
  handle!: ConnHandle;
  flow!: Flow;

  constructor(
    private readonly client: VisitClient,
    private readonly tracker: SessionTracker,
    private readonly settings: VisitSettings,
    /** Called once, whoever ended it. */
    private readonly onOver: (visit: Visit) => void,
  ) {}

  get stallTimeoutMs(): number {
    return this.settings.stallTimeoutMs;
  }

  /** Asks the tracker; the client hears the answer. Call it once, before media flows. */
  begin(hit: ConnHit): void {
    const asked = this.tracker.admit(hit);
    if (!('then' in asked)) return this.answered(asked);
    this.pending = asked;
    this.client.hold();
    asked.then(
      (answer) => this.answered(answer, true),
      // An admission fails closed by itself: this is for a tracker that does not.
      () => this.leave('transport_error', true),
    );
  }

  /** The client has gone, or is let go of. Harmless twice. */
  leave(reason: CloseReason = 'client_gone', hangUp = false): void {
    if (!this.end()) return;
    this.pending?.cancel();
    this.sampled?.close(reason);
    if (hangUp) this.client.sever(reason);
    else if (this.pending !== undefined) this.client.release();
    this.client.forget();
  }

  private answered(answer: Answer, wasHeld = false): void {
    this.pending = undefined;
    if (this.over) {
      if (answer.admitted) answer.handle.close();
      return;
    }
    if (!answer.admitted) {
      this.end();
      this.client.refuse(answer.denial);
      this.client.forget();
      return;
    }
    const { client, settings } = this;
    this.handle = answer.handle;
    this.flow = client.flow(answer.handle);
    this.sampled = samplerOf(settings.clock).add(this);
    // Cut already, by somebody who heard of it as it opened: nothing may flow any more.
    if (wasHeld && !this.over) client.release();
  }

  /** For the sampler: the tracker has ended it, or the client has stalled or is taken for gone. */
  sever(reason: CloseReason): void {
    this.end();
    this.client.sever(reason);
    this.client.forget();
  }

  private end(): boolean {
    if (this.over) return false;
    this.over = true;
    this.onOver(this);
    return true;
  }
}
