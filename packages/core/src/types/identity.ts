import type { SessionKind } from './kinds.js';

/** The fields a recipe may consist of. */
export type IdentityField = 'stream' | 'ip' | 'token' | 'protocol' | 'userAgent';

export const IDENTITY_FIELDS: readonly IdentityField[] = ['stream', 'ip', 'token', 'protocol', 'userAgent'];

/**
 * Which hits belong to the same session: a recipe per kind, as plain JSON. Two hits share a session exactly if they agree in
 * every field of the recipe. `token` means the best name present: viewer token, CMCD `sid`, `X-Playback-Session-Id`, and for HTTP
 * the User-Agent. An empty recipe for `unspecified` tracks nothing at all; for another kind it means one session for everyone.
 */
export interface IdentityOptions extends Partial<Record<SessionKind, readonly IdentityField[]>> {
  /** How much of an IPv6 address counts. Default 64: the block that one household gets. */
  ipv6PrefixLength?: number | undefined;
  /** A connection that carries a token joins the session that its recipe finds (as in MistServer). Default false. */
  mergeConnections?: boolean | undefined;
  /**
   * Default true: a hit that lacks the session's best name (stock players drop the playlist's query on segments) is found by its
   * next best one, and a session without a name of some kind takes one that comes late. With authorising policies, such a hit
   * counts towards that session, but the session admits it only with `'admit'`. False: names must match exactly.
   */
  aliases?: boolean | 'admit' | undefined;
}

const streamIpToken = ['stream', 'ip', 'token'] as const;

/** MistServer's defaults: a viewer who switches protocol is still one viewer; connections with a token merge. */
export const mistServerIdentity: IdentityOptions = Object.freeze({
  viewer: streamIpToken,
  input: streamIpToken,
  output: streamIpToken,
  unspecified: [],
  mergeConnections: true,
  aliases: false,
});

/** Open-Streamer's rules: protocol and User-Agent count too; each connection is a session of its own. */
export const openStreamerIdentity: IdentityOptions = Object.freeze({
  viewer: ['stream', 'protocol', 'ip', 'userAgent', 'token'],
  input: ['stream', 'protocol', 'ip', 'userAgent', 'token'],
  output: ['stream', 'protocol', 'ip', 'userAgent', 'token'],
  unspecified: [],
  mergeConnections: false,
  aliases: false,
} as const);
