import { prefixed } from '../identity/recipe.js';
import type { Protocol, SessionKind } from '../types/kinds.js';
import type { CloseReason, NamedBy } from '../types/play-session.js';

/** What thousands of sessions have in common. */
export interface SharedFields {
  /** When the tracker was made, epoch ms: sessions keep their times as what passed since then. */
  readonly epoch: number;
  readonly kind: SessionKind;
  readonly namedBy: NamedBy;
  /** The protocol used last. */
  readonly protocol: Protocol;
  /** The same as a list, for copies of sessions that have used no other. */
  readonly protocols: readonly Protocol[];
  readonly secure: boolean;
  readonly dvr: boolean;
  readonly country: string | undefined;
  /** The policies allowed the stream and token it opened with. */
  readonly allowed: boolean;
  /** Undefined: it is live. */
  readonly closeReason: CloseReason | undefined;
}

const MAX_SHARED = 8192;

/** One object per combination that occurs; few do, for adapters and policies choose them, not clients. */
export class SharedFieldsPool {
  private readonly known = new Map<string, SharedFields>();
  /** Mostly the next asks for the same. */
  private latest: SharedFields | undefined = undefined;
  /** What was closed lately, by how it was: most sessions end for one of a few reasons. */
  private readonly closings = new WeakMap<SharedFields, SharedFields>();

  constructor(private readonly epoch: number) {}

  /** The same of a session that has ended. */
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
      // A policy may make up close reasons without end; sessions keep what they hold.
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

/** Nothing, or a text of whatever letters: no text reads like nothing, or like two. */
const part = (text: string | undefined): string => (text === undefined ? '-' : prefixed(text));
