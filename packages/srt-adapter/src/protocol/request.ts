import { parseStreamId, type Credentials, type SessionKind, type StreamId } from '@stream-sessions/core';
import { MAX_STREAM_LENGTH } from '@stream-sessions/core/spi';
import { hasSecrets, offeredIn, withoutSecrets } from './credentials.js';
import { Reject } from './reject.js';

/** What a caller wants, according to its stream id. */
export interface SrtRequest {
  readonly stream: string;
  readonly kind: Extract<SessionKind, 'viewer' | 'input'>;
  readonly token: string | undefined;
  /** The user and password that it offers: policies can compare the password, but not read it. */
  readonly credentials: Credentials | undefined;
  /** The stream as the caller spelt it, preceded by a slash. */
  readonly path: string;
  /** The other parameters as a query; it contains the token as `token`, which the tracker knows to hide, and no other secret. */
  readonly query: string;
}

/** Control characters, and `user:password@`: names are shown to everyone. */
const NO_NAME = /\p{Cc}|^[^/:]*:[^/@]*@/u;
const SCHEME_AND_HOST = /^[a-z][a-z0-9+.-]*:\/\/[^/]*/i;

/**
 * Parses a stream id, in the access-control syntax (`#!::r=live/cam1,m=publish,t=secret`) or plain (`live/cam1?token=secret`).
 * Without `m=publish`, the caller wants to play.
 *
 * @returns SRT's reject code for a stream id that cannot be served: it comes from the network.
 */
export function readRequest(streamId: string | undefined): SrtRequest | number {
  if (streamId === undefined) return Reject.badRequest;
  const said = parseStreamId(streamId);
  const { stream, mode = 'request', token } = said;
  if (stream === undefined || stream.length > MAX_STREAM_LENGTH || NO_NAME.test(stream) || hasSecrets(stream))
    return Reject.badRequest;
  if (mode !== 'request' && mode !== 'publish') return Reject.badMode;
  const kind = mode === 'publish' ? 'input' : 'viewer';
  return { stream, kind, token, credentials: offeredIn(said), path: pathOf(said), query: withoutSecrets(said) };
}

const pathOf = ({ path }: StreamId): string =>
  path.replace(SCHEME_AND_HOST, '').replace(/^\/?/, '/').replace(/#.*/s, '');
