import { tokenFromQuery, type Credentials, type StreamId } from '@stream-sessions/core';
import { credentialsOf, TOKEN_PARAMETERS } from '@stream-sessions/core/spi';

const USER = /^u(?:ser(?:name)?)?$/i;
const PASSWORD = /^p(?:ass(?:word|wd)?|wd)?$/i;
/**
 * Encoders and servers have many names for secrets: such parameters are removed, because no list or log would know to hide them.
 */
const SECRET = /pass|pwd|secret|key|auth|token|tkn|sig|jwt|bearer|cred|hmac|hash/i;
/** Not the end of a name in base64. */
const PAIR = /^\s*([\w.-]{1,64})=([^=].*)$/s;
/** The values of Haivision's `t`, the type of data. Any other `t` is a token. */
const TYPES = ['stream', 'file', 'auth'];

/** The user and the password in a stream id. */
export function offeredIn({ params }: StreamId): Credentials | undefined {
  const names = Object.keys(params);
  const [user, password] = [USER, PASSWORD].map((pattern) => names.find((name) => pattern.test(name)));
  if (user === undefined && password === undefined) return undefined;
  const pair = [user, password].map((name) => (name === undefined ? '' : params[name])).join(':');
  return credentialsOf(`Basic ${Buffer.from(pair).toString('base64')}`);
}

/** Everything in a stream id besides the stream, as a query: its token as `token`, and none of its other secrets. */
export function withoutSecrets({ query, params, token }: StreamId): string {
  const isToken = tokenFromQuery(query) === (token ?? '');
  const pairs = query === '' ? [] : query.split('&').filter((pair) => isShown(...parsed(pair), isToken));
  const said = new Set(query.split('&').map((pair) => parsed(pair)[0]));
  const others = new URLSearchParams();
  for (const [name, value] of Object.entries(params)) {
    // `r` is the stream
    if (name !== 'r' && !said.has(name) && isShown(name, value, false)) others.set(name, value);
  }
  if (token !== undefined && !isToken) others.set('token', token);
  return [...pairs, ...(others.size > 0 ? [others.toString()] : [])].join('&');
}

/** Names are shown to everyone: one with pairs of this sort is an access-control id without its `#!::`. */
export const hasSecrets = (name: string): boolean =>
  name.split(/[,;&]/).some((text) => {
    const [, key, value] = PAIR.exec(text) ?? [];
    return key !== undefined && value !== undefined && !isShown(key, value, false);
  });

function isShown(name: string, value: string, withToken: boolean): boolean {
  if (TOKEN_PARAMETERS.includes(name)) return withToken;
  if (name === 't') return TYPES.includes(value);
  // an address with a query of its own, or a query with separators other than `&`
  const within = [...value.matchAll(/([\w.-]{1,64})=/g)].map(([, each = '']) => each);
  return ![name, ...within].some((each) => USER.test(each) || PASSWORD.test(each) || SECRET.test(each));
}

function parsed(pair: string): [name: string, value: string] {
  const [first] = new URLSearchParams(pair);
  return first ?? ['', ''];
}
