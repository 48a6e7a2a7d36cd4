import { parseStreamId, type SessionKind, type StreamId } from '@stream-sessions/core';
import { MAX_STREAM_LENGTH } from '@stream-sessions/core/spi';
import { Reject } from './reject.js';

/** What a caller wants, by its stream id. */
export interface SrtRequest {
  readonly stream: string;
  readonly kind: Extract<SessionKind, 'viewer' | 'input'>;
  readonly token: string | undefined;
  /** The stream as the caller has spelt it, with a slash before it. */
  readonly path: string;
  /** Everything else it said, as a query; the token is in it as `token`, where the tracker knows to hide it. */
  readonly query: string;
}

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
  if (stream === undefined || stream.length > MAX_STREAM_LENGTH || /\p{Cc}/u.test(stream)) return Reject.badRequest;
  if (mode !== 'request' && mode !== 'publish') return Reject.badMode;
  const path = pathOf(streamId, said);
  return { stream, token, path, kind: mode === 'publish' ? 'input' : 'viewer', query: queryOf(streamId, said) };
}

const pathOf = (streamId: string, { params }: StreamId): string => {
  const resource = streamId.startsWith('#!::') ? (params['r'] ?? '') : streamId;
  return resource.replace(/\?.*$/s, '').replace(/^\/?/, '/');
};

const TOKENS = ['token', 'tkn'];

function queryOf(streamId: string, { params, token }: StreamId): string {
  const queryAt = streamId.indexOf('?');
  if (!streamId.startsWith('#!::')) return queryAt < 0 ? '' : streamId.slice(queryAt + 1);
  const { r: resource = '', ...others } = params;
  const [, inResource = ''] = resource.split('?', 2);
  const query = new URLSearchParams(inResource);
  for (const [name, value] of Object.entries(others)) query.set(name, value);
  for (const name of TOKENS) query.delete(name);
  if (token !== undefined) {
    if (query.get('t') === token) query.delete('t');
    query.set('token', token);
  }
  return query.toString();
}
