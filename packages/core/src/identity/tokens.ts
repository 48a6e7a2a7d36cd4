import { streamCode } from './stream-code.js';

/** Longer tokens are refused, never cut: two tokens must not become one. */
export const MAX_TOKEN_LENGTH = 4096;

/** Query parameters that carry a viewer token: ours, and MistServer's. */
export const TOKEN_PARAMETERS: readonly string[] = ['token', 'tkn'];

/**
 * The viewer token in a raw query: `token`, else `tkn`. A parameter that is given twice is ignored, for nobody can say
 * which one was meant; so is one with a broken escape, for two broken tokens must not become one.
 *
 * @returns '' when the query is empty, cannot be parsed or has no token.
 */
export const tokenFromQuery = queryTokenReader(TOKEN_PARAMETERS);

/** Makes a `tokenFromQuery` for parameters of other names: the first of them that a query has once counts. */
export function queryTokenReader(names: readonly string[]): (rawQuery: string) => string {
  const alternatives = names.map((name) => name.replace(/[^\w]/g, '\\$&')).join('|');
  const some = new RegExp(`(?:^|[?&])(?:${alternatives})=`);
  return function tokenFromQuery(rawQuery) {
    if (!some.test(rawQuery)) return '';
    const pairs = rawQuery.replace(/^\?/, '').split('&');
    for (const name of names) {
      const given = pairs.filter((pair) => pair.startsWith(`${name}=`));
      const token = given.length === 1 ? decoded((given[0] as string).slice(name.length + 1)) : undefined;
      if (token) return token;
    }
    return '';
  };
}

function decoded(value: string): string | undefined {
  try {
    return decodeURIComponent(value.replaceAll('+', ' '));
  } catch {
    return undefined;
  }
}

/** What an SRT stream id says. */
export interface StreamId {
  /** Undefined when it names no resource. */
  stream: string | undefined;
  token?: string;
  /** `request`, `publish` or `bidirectional`. */
  mode?: string;
  user?: string;
  /** Every key of the access-control syntax, or every query parameter of the plain one. */
  params: Readonly<Record<string, string>>;
}

/**
 * Reads an SRT stream id: the access-control syntax (`#!::r=live/cam,m=request,u=me,t=secret`) or the plain
 * `live/cam?token=secret`. Never throws: it comes from the network.
 */
export function parseStreamId(streamId: string): StreamId {
  return streamId.startsWith('#!::') ? parseAccessControl(streamId.slice(4)) : parsePlain(streamId);
}

function parseAccessControl(body: string): StreamId {
  const params = Object.create(null) as Record<string, string>;
  for (const pair of body.split(',')) {
    const at = pair.indexOf('=');
    if (at > 0) params[pair.slice(0, at)] = pair.slice(at + 1);
  }
  const resource = params['r'] ?? '';
  const queryAt = resource.indexOf('?');
  const query = queryAt < 0 ? '' : resource.slice(queryAt + 1);
  const result: StreamId = { stream: streamCode(resource), params };
  const token = params['token'] ?? params['tkn'] ?? tokenFromQuery(query);
  // Haivision's draft uses `t` for the type of data; only a `t` that is no known type can be a token.
  const type = params['t'] ?? '';
  const chosen = token !== '' ? token : ['', 'stream', 'file', 'auth'].includes(type) ? '' : type;
  if (chosen !== '') result.token = chosen;
  if (params['m']) result.mode = params['m'];
  if (params['u']) result.user = params['u'];
  return result;
}

function parsePlain(streamId: string): StreamId {
  const queryAt = streamId.indexOf('?');
  const query = queryAt < 0 ? '' : streamId.slice(queryAt + 1);
  const params = Object.create(null) as Record<string, string>;
  for (const [name, value] of new URLSearchParams(query)) params[name] = value;
  const result: StreamId = { stream: streamCode(streamId), params };
  const token = tokenFromQuery(query);
  if (token !== '') result.token = token;
  return result;
}
