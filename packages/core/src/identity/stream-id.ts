import { streamCode } from './stream-code.js';
import { tokenFromQuery } from './tokens.js';

/** The parts of an SRT stream id. */
export interface StreamId {
  /** Undefined if the id names no stream or is ambiguous. */
  stream: string | undefined;
  token?: string;
  /** `request`, `publish` or `bidirectional`. */
  mode?: string;
  user?: string;
  /** The name of the stream as the caller spelt it, decoded and without its query. `''` if there is no stream. */
  path: string;
  /** The raw query after the path. */
  query: string;
  /** Every key of the access-control syntax, or every query parameter of the plain syntax. */
  params: Readonly<Record<string, string>>;
}

const ACCESS_CONTROL = '#!::';
const ESCAPE = /%[0-9a-f]{2}/i;
/** Form encoding leaves only these characters unescaped, and turns a space into a plus. */
const FORM_ENCODED = /^(?:[\w.~*!'()+-]|%[0-9a-f]{2})*$/i;

/**
 * Parses an SRT stream id: the access-control syntax (`#!::r=live/cam,m=request,u=me,t=secret`) or the plain
 * `live/cam?token=secret`. A percent-encoded id is decoded once. An id that is encoded twice or partially, has a broken escape,
 * or gives one key two values names no stream, because it could be mistaken for another one.
 *
 * Never throws, because its input comes from the network.
 */
export function parseStreamId(streamId: string): StreamId {
  if (streamId.startsWith(ACCESS_CONTROL)) return parseAccessControl(streamId, false);
  const isEncoded = /^(?:#|%23)/i.test(streamId) || !streamId.includes('?');
  const text = isEncoded ? decoded(streamId) : streamId;
  if (text?.startsWith(ACCESS_CONTROL) === true) return parseAccessControl(text, true);
  return text === undefined || text.startsWith('#') ? unreadable() : parsePlain(text, isEncoded);
}

function parseAccessControl(text: string, wasEncoded: boolean): StreamId {
  const params = noParams();
  for (const pair of text.slice(ACCESS_CONTROL.length).split(',')) {
    const at = pair.indexOf('=');
    if (at <= 0) continue;
    const [name, value] = [pair.slice(0, at), pair.slice(at + 1)];
    if ((params[name] ?? value) !== value) return unreadable(params);
    params[name] = value;
  }
  const [path, query] = halves(params['r'] ?? '');
  const result = named(path, query, params, wasEncoded);
  const token = params['token'] ?? params['tkn'] ?? tokenFromQuery(query);
  // Haivision's draft uses `t` for the type of data; only a `t` that is not a known type can be a token.
  const type = params['t'] ?? '';
  const chosen = token !== '' ? token : ['', 'stream', 'file', 'auth'].includes(type) ? '' : type;
  if (chosen !== '') result.token = chosen;
  if (params['m']) result.mode = params['m'];
  if (params['u']) result.user = params['u'];
  return result;
}

function parsePlain(text: string, wasEncoded: boolean): StreamId {
  const [path, query] = halves(text);
  const params = noParams();
  for (const [name, value] of new URLSearchParams(query)) params[name] = value;
  const result = named(path, query, params, wasEncoded);
  const token = tokenFromQuery(query);
  if (token !== '') result.token = token;
  return result;
}

/** A name is decoded on its own if the whole id was not. */
function named(raw: string, query: string, params: StreamId['params'], wasEncoded: boolean): StreamId {
  const path = wasEncoded ? raw : decoded(raw);
  if (path === undefined || ESCAPE.test(path) || (path !== raw && /[?#]/.test(path))) return unreadable(params);
  const stream = streamCode(path);
  return { stream, path: stream === undefined ? '' : path, query, params };
}

const unreadable = (params = noParams()): StreamId => ({ stream: undefined, path: '', query: '', params });

/** Names come from strangers, and `__proto__` may be one of them. */
const noParams = (): Record<string, string> => Object.create(null) as Record<string, string>;

/** The text before and after the first question mark. */
function halves(text: string): [string, string] {
  const at = text.indexOf('?');
  return at < 0 ? [text, ''] : [text.slice(0, at), text.slice(at + 1)];
}

function decoded(text: string): string | undefined {
  if (!text.includes('%')) return text;
  try {
    return decodeURIComponent(FORM_ENCODED.test(text) ? text.replaceAll('+', ' ') : text);
  } catch {
    return undefined;
  }
}
