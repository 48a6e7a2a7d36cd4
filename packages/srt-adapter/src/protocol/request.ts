import { parseStreamId, type Credentials, type SessionKind, type StreamId } from '@stream-sessions/core';
import { MAX_STREAM_LENGTH } from '@stream-sessions/core/spi';
import { offeredIn, withoutSecrets } from './credentials.js';
import { Reject } from './reject.js';

/** What a caller wants, by its stream id. */
export interface SrtRequest {
  readonly stream: string;
  readonly kind: Extract<SessionKind, 'viewer' | 'input'>;
  readonly token: string | undefined;
  /** The user and password that it offers: policies may compare them, and nobody can read them. */
  readonly credentials: Credentials | undefined;
  /** The stream as the caller has spelt it, with a slash before it. */
  readonly path: string;
  /** What else it said, as a query; the token is in it as `token`, where the tracker knows to hide it, and no other secret. */
  readonly query: string;
}

/** Control characters, and `user:password@`: a name is shown to everybody. */
const NO_NAME = /\p{Cc}|^[^/:]*:[^/@]*@/u;
const SCHEME_AND_HOST = /^[a-z][a-z0-9+.-]*:\/\/[^/]*/i;

/**
 * Reads a stream id, in the access-control syntax (`#!::r=live/cam1,m=publish,t=secret`) or plain (`live/cam1?token=secret`).
 * Who does not say `m=publish` wants to play.
 *
 * @returns SRT's code for the refusal of a stream id that asks for nothing we have: it comes from the network.
 */
export function readRequest(streamId: string | undefined): SrtRequest | number {
  if (streamId === undefined) return Reject.badRequest;
  const said = parseStreamId(streamId);
  const { stream, mode = 'request', token } = said;
  if (stream === undefined || stream.length > MAX_STREAM_LENGTH || NO_NAME.test(stream)) return Reject.badRequest;
  if (mode !== 'request' && mode !== 'publish') return Reject.badMode;
  const kind = mode === 'publish' ? 'input' : 'viewer';
  return { stream, kind, token, credentials: offeredIn(said), path: pathOf(said), query: withoutSecrets(said) };
}

const pathOf = ({ path }: StreamId): string => path.replace(SCHEME_AND_HOST, '').replace(/^\/?/, '/');
