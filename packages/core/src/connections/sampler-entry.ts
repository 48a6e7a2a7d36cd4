import type { ConnHandle } from '../types/admission.js';
import type { CloseReason } from '../types/play-session.js';
import type { ByteCounters } from './byte-counters.js';

/** The sampler, as its entries see it. */
export interface EntryList {
  /** Entries store times relative to this one: V8 keeps small integers inline, and larger numbers in separate objects. */
  readonly epoch: number;
  remove(entry: SamplerEntry): void;
}

/**
 * One connection under the sampler, with the counters read from it so far. It is a base class because ten thousand are read in a
 * row, and each step from one object to another may touch cold memory.
 */
export abstract class SamplerEntry {
  /** Its index in the sampler's list. */
  place = -1;
  private list: EntryList | undefined = undefined;
  private sent = 0;
  private received = 0;
  /** When bytes last moved, relative to the epoch of the list. */
  private movedAt = 0;

  abstract readonly handle: Pick<ConnHandle, 'onCut' | 'touch' | 'addReceived' | 'close'>;
  abstract readonly counters: ByteCounters;
  /** Milliseconds without a byte taken while some are waiting; 0 = never. */
  abstract readonly stallTimeoutMs: number;
  /** Cuts the transport, now. */
  abstract destroy(reason: CloseReason): void;

  /** The sampler starts to read this entry. */
  joined(list: EntryList, place: number, now: number): void {
    this.list = list;
    this.place = place;
    this.movedAt = now - list.epoch;
  }

  get isSampled(): boolean {
    return this.list !== undefined;
  }

  /** For the sampler. */
  read(now: number): void {
    const { counters, list } = this;
    if (list === undefined) return;
    const added = this.newlySent();
    this.creditReceived();
    this.handle.touch(added);
    // Listeners of what was just credited may have ended this connection.
    if (!this.isSampled) return;
    if (counters.isGone?.(now) === true) return this.lost('client_gone');
    const { stallTimeoutMs } = this;
    if (stallTimeoutMs === 0) return;
    const since = now - list.epoch;
    // A clock without `monotonic()` that was set back must not make anyone wait longer.
    if (added > 0 || since < this.movedAt || (counters.waiting?.() ?? 0) === 0) this.movedAt = since;
    else if (since - this.movedAt >= stallTimeoutMs) this.lost('stalled');
  }

  /** Reads the last bytes and closes the books. Does not cut the transport. Safe to call twice. */
  close(reason: CloseReason = 'client_gone'): void {
    if (this.end()) this.handle.close(reason, this.lastBytes());
  }

  /** The tracker has ended the session. Cuts first, so that the bytes of the farewell are counted too. */
  cut(reason: CloseReason): number {
    if (!this.end()) return 0;
    this.destroy(reason);
    return this.lastBytes();
  }

  private lost(reason: CloseReason): void {
    if (!this.end()) return;
    this.destroy(reason);
    this.handle.close(reason, this.lastBytes());
  }

  private end(): boolean {
    const { list } = this;
    if (list === undefined) return false;
    this.list = undefined;
    list.remove(this);
    return true;
  }

  /** Credits what was received, returns what was sent, and releases the counters. */
  private lastBytes(): number {
    this.creditReceived();
    const added = this.newlySent();
    this.counters.release?.();
    return added;
  }

  /** A counter that goes backwards adds nothing, and what it then counts again is not counted twice. */
  private newlySent(): number {
    const sent = this.counters.sent();
    const added = sent - this.sent;
    if (!(added > 0)) return 0;
    this.sent = sent;
    return added;
  }

  private creditReceived(): void {
    const received = this.counters.received?.() ?? 0;
    if (!(received > this.received)) return;
    const added = received - this.received;
    this.received = received;
    this.handle.addReceived(added);
  }
}
