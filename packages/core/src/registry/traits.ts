import type { Protocol, SessionKind } from '../model/kinds.js';
import type { CloseReason, NamedBy } from '../model/play-session.js';

/** What thousands of sessions have in common. */
export interface Traits {
  readonly kind: SessionKind;
  readonly namedBy: NamedBy;
  /** The protocol used last. */
  readonly protocol: Protocol;
  readonly secure: boolean;
  readonly dvr: boolean;
  readonly country: string | undefined;
  /** The policies allowed the stream and token it opened with. */
  readonly allowed: boolean;
  /** Only its first hit has been seen. */
  readonly fresh: boolean;
  /** Undefined: it is live. */
  readonly closeReason: CloseReason | undefined;
}

/** One object per combination that occurs; few do, for adapters and policies choose them, not clients. */
export class TraitsPool {
  private readonly known = new Map<string, Traits>();

  share(traits: Traits): Traits {
    const { kind, namedBy, protocol, secure, dvr, country, allowed, fresh, closeReason } = traits;
    const key = `${kind},${namedBy},${secure},${dvr},${country},${allowed},${fresh},${closeReason},${protocol}`;
    let shared = this.known.get(key);
    if (shared === undefined) {
      shared = Object.freeze({ kind, namedBy, protocol, secure, dvr, country, allowed, fresh, closeReason });
      this.known.set(key, shared);
    }
    return shared;
  }
}
