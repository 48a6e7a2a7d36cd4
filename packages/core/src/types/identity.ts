import type { SessionKind } from './kinds.js';

/** What a recipe may be made of. */
export type IdentityField = 'stream' | 'ip' | 'token' | 'protocol' | 'userAgent';

export const IDENTITY_FIELDS: readonly IdentityField[] = ['stream', 'ip', 'token', 'protocol', 'userAgent'];

/**
 * Which hits are the same session: a recipe per kind, as plain JSON. Two hits share a session exactly
 * when they agree in every field of the recipe. `token` means the best discriminator present: viewer token, CMCD
 * `sid`, `X-Playback-Session-Id`, and for HTTP the User-Agent. An empty recipe for `unspecified` tracks nothing at all;
 * for another kind it means one session for all.
 */
export interface IdentityOptions extends Partial<Record<SessionKind, readonly IdentityField[]>> {
  /** How much of an IPv6 address counts. Default 64: the block one group gets. */
  ipv6PrefixLength?: number;
  /** A connection that carries a token joins the session its recipe yields (MistServer). Default false. */
  mergeConnections?: boolean;
  /**
   * Default true: a hit that lacks the session's best name (stock players drop the playlist's query on segments) is
   * found by its next best, and a session without a name of some kind takes the one that comes late. With authorising
   * policies a hit without the token is counted there, but admitted by it only with `'admit'`. False: names must match.
   */
  aliases?: boolean | 'admit';
}

const streamIpToken = ['stream', 'ip', 'token'] as const;

/** MistServer's defaults: a viewer who changes protocol is still one viewer; connections with a token merge. */
export const mistServerIdentity: IdentityOptions = Object.freeze({
  viewer: streamIpToken,
  input: streamIpToken,
  output: streamIpToken,
  unspecified: [],
  mergeConnections: true,
  aliases: false,
});

/** Open-Streamer's fingerprint: protocol and User-Agent count too; each connection is a session of its own. */
export const openStreamerIdentity: IdentityOptions = Object.freeze({
  viewer: ['stream', 'protocol', 'ip', 'userAgent', 'token'],
  input: ['stream', 'protocol', 'ip', 'userAgent', 'token'],
  output: ['stream', 'protocol', 'ip', 'userAgent', 'token'],
  unspecified: [],
  mergeConnections: false,
  aliases: false,
} as const);
