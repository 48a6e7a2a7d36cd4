import { prefixed } from '../identity/recipe.js';
import type { Protocol, SessionKind } from '../types/kinds.js';
import type { CloseReason, NamedBy } from '../types/play-session.js';

/** Fields that thousands of sessions have in common. */
export interface SharedFields {
  /** When the tracker was made, in epoch milliseconds: sessions store their times relative to it. */
  readonly epoch: number;
  readonly kind: SessionKind;
  readonly namedBy: NamedBy;
  /** The protocol used most recently. */
  readonly protocol: Protocol;
  /** The same as a list, for copies of sessions that have used no other. */
  readonly protocols: readonly Protocol[];
  readonly secure: boolean;
  readonly dvr: boolean;
  readonly country: string | undefined;
  /** The policies approved the stream and token it opened with. */
  readonly allowed: boolean;
  /** Undefined: it is live. */
  readonly closeReason: CloseReason | undefined;
}

const MAX_SHARED = 8192;

/** One object per combination that occurs. There are few, because adapters and policies choose them, not clients. */
export class SharedFieldsPool {
  private readonly known = new Map<string, SharedFields>();
  /** The next session usually asks for the same one. */
  private latest: SharedFields | undefined = undefined;
  /** Closed variants made recently, by what they were made from: most sessions end for one of a few reasons. */
  private readonly closings = new WeakMap<SharedFields, SharedFields>();

  constructor(private readonly epoch: number) {}

  /** The same fields for a session that has ended. */
  closed(sharedFields: SharedFields, closeReason: CloseReason): SharedFields {
    const lately = this.closings.get(sharedFields);
    if (lately?.closeReason === closeReason) return lately;
    const closed = this.share({ ...sharedFields, closeReason });
    this.closings.set(sharedFields, closed);
    return closed;
  }

  share(sharedFields: Omit<SharedFields, 'epoch' | 'protocols'>): SharedFields {
    const { kind, namedBy, protocol, secure, dvr, country, allowed, closeReason } = sharedFields;
    const { latest } = this;
    if (latest !== undefined && isSame(latest, sharedFields)) return latest;
    const words = part(country) + part(closeReason) + part(protocol);
    const key = `${kind},${namedBy},${secure},${dvr},${allowed},${words}`;
    let shared = this.known.get(key);
    if (shared === undefined) {
      // A policy may make up any number of close reasons; sessions keep the objects that they hold.
      if (this.known.size >= MAX_SHARED) this.known.clear();
      const { epoch } = this;
      const protocols = Object.freeze([protocol]);
      shared = { epoch, kind, namedBy, protocol, protocols, secure, dvr, country, allowed, closeReason };
      this.known.set(key, Object.freeze(shared));
    }
    return (this.latest = shared);
  }
}

const isSame = (a: SharedFields, b: Omit<SharedFields, 'epoch' | 'protocols'>): boolean =>
  a.kind === b.kind &&
  a.namedBy === b.namedBy &&
  a.protocol === b.protocol &&
  a.secure === b.secure &&
  a.dvr === b.dvr &&
  a.country === b.country &&
  a.allowed === b.allowed &&
  a.closeReason === b.closeReason;

/** Encodes absence or a text of any characters without ambiguity. */
const part = (text: string | undefined): string => (text === undefined ? '-' : prefixed(text));
