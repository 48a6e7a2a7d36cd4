import type { HashedName } from '../identity/name.js';
import type { Offered } from '../identity/offer.js';
import type { Protocol } from '../types/kinds.js';
import type { Quality } from '../types/play-session.js';
import type { Limits } from '../types/limits.js';
import type { PolicyDecision } from '../types/explanation.js';

/** What a hit brings for policies that a session otherwise keeps not at all, or only redacted. */
export interface AskedWith {
  readonly url: string | undefined;
  /** Undefined also if it is the end of the URL. */
  readonly query: string | undefined;
  /** Where in the URL the query begins. */
  readonly queryAt: number | undefined;
}

/** What the policies approved besides what the session goes by, as keys, and until when. Epoch milliseconds. */
export interface Decided extends Offered {
  until: number;
}

/**
 * Fields that few sessions have, kept apart so that a million plain viewers do not pay for them. Hits never read them: see
 * `HotFields`.
 */
export class RareFields {
  /** It is not idle before this time, whatever its protocol's timeout. Epoch milliseconds. */
  keepUntil: number | undefined = undefined;
  referer: string | undefined = undefined;
  /** Names that players give themselves, where something better names the session. */
  sid: string | undefined = undefined;
  playerSessionId: string | undefined = undefined;
  /** Other names it was seen with before, as returned by `aliasKey`. */
  names: string[] | undefined = undefined;
  /** Names that it had in an earlier process, and has not been seen with since. */
  unseen: readonly HashedName[] | undefined = undefined;
  /** The part of the time since opening that was not watch time, because this process had not begun. Milliseconds. */
  absentMs = 0;
  /** Set when there is more than one. */
  protocols: Protocol[] | undefined = undefined;
  /** Watch time per protocol, before the current one. Milliseconds. */
  watchedMs: Map<Protocol, number> | undefined = undefined;
  /** Epoch milliseconds: when the current protocol began. */
  protocolSince = 0;
  streams: string[] | undefined = undefined;
  ips: string[] | undefined = undefined;
  /** The network of each of `ips`, as identity counts it. */
  networks: string[] | undefined = undefined;
  /** The user that a policy named (then `vouched` is set) or that the transport authenticated. */
  userId: string | undefined = undefined;
  vouched = false;
  /** When the credential by which a policy named the user was issued. Epoch milliseconds; undefined: no policy said. */
  issuedAt: number | undefined = undefined;
  bytesReceived = 0;
  tags: Record<string, string> | undefined = undefined;
  limits: Limits | undefined = undefined;
  quality: Quality | undefined = undefined;
  /** When the player last sent a report that was expected. Epoch milliseconds. */
  reportedAt = -Infinity;
  /** Credentials and streams that the policies approved besides those that name the session. */
  decided: Map<string, Decided> | undefined = undefined;
  /** What it goes by, as keys, along with the token that was hashed; undefined: not needed so far. */
  ownOffer: (Offered & { readonly of: string | undefined }) | undefined = undefined;
  /** What policies were asked with and will be asked with again; kept in memory only. */
  asked: AskedWith | undefined = undefined;
  policyDecisions: readonly PolicyDecision[] | undefined = undefined;
  /** Epoch milliseconds; Infinity: none. The earliest end that any policy gave. */
  expiresAt = Infinity;
  reviewAt = Infinity;
  /** The deadline in bytes for which a review was already requested. */
  hurriedAt: number | undefined = undefined;
  /** Consecutive looks that came for a policy's deadline and found that it had moved. */
  vainLooks = 0;
  closeDetail: string | undefined = undefined;
  /** The name of the policy that is currently reviewing the session. */
  asking: string | undefined = undefined;
}
