import type { HashedName } from '../identity/name.js';
import type { Offered } from '../identity/offer.js';
import type { Protocol } from '../types/kinds.js';
import type { Quality } from '../types/play-session.js';
import type { Limits } from '../types/limits.js';
import type { PolicyDecision } from '../types/explanation.js';

/** What a hit brings for policies that a session does not keep otherwise, or not unredacted. */
export interface AskedWith {
  readonly url: string | undefined;
  /** Undefined also where it is the end of the URL. */
  readonly query: string | undefined;
  /** Where in the URL it begins. */
  readonly queryAt: number | undefined;
}

/** What the policies allowed besides what the session goes by, as keys, and until when. Epoch ms. */
export interface Decided extends Offered {
  until: number;
}

/** What few sessions have; kept apart so that a million plain viewers do not pay for it. No hit looks here: see `HotFields`. */
export class RareFields {
  /** Not idle before, whatever its protocol's timeout. Epoch ms. */
  keepUntil: number | undefined = undefined;
  referer: string | undefined = undefined;
  /** Names that players give themselves, where something better names the session. */
  sid: string | undefined = undefined;
  playerSessionId: string | undefined = undefined;
  /** Other names it was seen with before, as `aliasKey` writes them. */
  names: string[] | undefined = undefined;
  /** Names that it had in an earlier process, and has not been seen with since. */
  unseen: readonly HashedName[] | undefined = undefined;
  /** What of the time since it opened was no watch time: this process had not begun. Milliseconds. */
  absentMs = 0;
  /** Set when there are more than one. */
  protocols: Protocol[] | undefined = undefined;
  /** Watch time of each of them before the one used now. Milliseconds. */
  watchedMs: Map<Protocol, number> | undefined = undefined;
  /** Epoch ms: since when the protocol used now is. */
  protocolSince = 0;
  streams: string[] | undefined = undefined;
  ips: string[] | undefined = undefined;
  /** Of each of `ips`, as identity counts it. */
  networks: string[] | undefined = undefined;
  /** The user a policy named (then it is vouched for), or the transport authenticated. */
  userId: string | undefined = undefined;
  vouched = false;
  /** When that by which a policy named the user was issued. Epoch ms; undefined: no policy said. */
  issuedAt: number | undefined = undefined;
  bytesReceived = 0;
  tags: Record<string, string> | undefined = undefined;
  limits: Limits | undefined = undefined;
  quality: Quality | undefined = undefined;
  /** When the player last said what was awaited. Epoch ms. */
  reportedAt = -Infinity;
  /** Credentials and streams that the policies allowed besides those it is named by. */
  decided: Map<string, Decided> | undefined = undefined;
  /** What it goes by, as keys, and the token that was hashed; undefined: nobody has wanted to know. */
  ownOffer: (Offered & { readonly of: string | undefined }) | undefined = undefined;
  /** What it was asked with and is asked with again; kept in memory only. */
  asked: AskedWith | undefined = undefined;
  policyDecisions: readonly PolicyDecision[] | undefined = undefined;
  /** Epoch ms; Infinity: none. The earliest that any policy said. */
  expiresAt = Infinity;
  reviewAt = Infinity;
  /** The deadline in bytes that was hurried to already. */
  hurriedAt: number | undefined = undefined;
  /** Looks in a row that came for a policy's deadline and found that it has moved. */
  vainLooks = 0;
  closeDetail: string | undefined = undefined;
  /** The policy that is being asked about it again. */
  asking: string | undefined = undefined;
}
