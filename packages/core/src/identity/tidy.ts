import { MAX_NAME_LENGTH, MAX_TEXT_LENGTH } from '../support/bounds.js';
import { SESSION_KINDS } from '../types/kinds.js';
import type { ConnHit, HttpHit } from '../types/hit.js';
import { StreamSessionsError } from '../support/errors.js';

/** The longest id that an adapter may assign, because ids are kept as they are. */
const MAX_ID_LENGTH = 256;

/**
 * Normalises a request: texts within their bounds, the protocol in lower case. Returns the same object if nothing had to change,
 * which is nearly always the case.
 *
 * @throws StreamSessionsError ERR_BAD_HIT if a field is missing or of the wrong type: the caller's fault, not the client's.
 */
export function tidyRequest(hit: HttpHit): HttpHit {
  return isTidy(hit) && typeof hit.ip === 'string' && isName(hit.sid) && isName(hit.playerSessionId)
    ? hit
    : tidied(hit, 'ip');
}

/** The same for a connection. */
export function tidyConnection(hit: ConnHit): ConnHit {
  return isTidy(hit) && typeof hit.remoteAddress === 'string' ? hit : tidied(hit, 'remoteAddress');
}

/** True for the hit of a connection. */
export const isConnection = (hit: HttpHit | ConnHit): hit is ConnHit => isObject(hit) && 'remoteAddress' in hit;

const isTidy = (hit: HttpHit | ConnHit): boolean =>
  isObject(hit) &&
  typeof hit.stream === 'string' &&
  isProtocol(hit.protocol) &&
  (hit.kind === undefined || SESSION_KINDS.includes(hit.kind)) &&
  (hit.userAgent === undefined || (typeof hit.userAgent === 'string' && hit.userAgent.length <= MAX_TEXT_LENGTH));

const isName = (name: unknown): boolean =>
  name === undefined || (typeof name === 'string' && name.length <= MAX_NAME_LENGTH);

const isObject = (hit: unknown): boolean => typeof hit === 'object' && hit !== null;

/** Adapters use the same few protocol names over and over, so each is checked character by character only once. */
let lately = 'hls';

function isProtocol(protocol: unknown): boolean {
  if (protocol === lately) return true;
  if (typeof protocol !== 'string' || protocol !== protocol.toLowerCase()) return false;
  lately = protocol;
  return true;
}

type Address = 'ip' | 'remoteAddress';

function tidied<H extends HttpHit | ConnHit>(hit: H, address: Address): H {
  check(hit, address);
  const { userAgent, protocol } = hit;
  const { sid, playerSessionId } = hit as Partial<HttpHit>;
  return {
    ...hit,
    protocol: protocol.toLowerCase(),
    userAgent: userAgent?.slice(0, MAX_TEXT_LENGTH),
    ...(isName(sid) ? {} : { sid: undefined }),
    ...(isName(playerSessionId) ? {} : { playerSessionId: undefined }),
  };
}

type Known = Record<keyof HttpHit | keyof ConnHit, unknown>;

const TEXTS = ['userAgent', 'referer', 'query', 'token', 'sid', 'playerSessionId', 'url', 'userId', 'id'] as const;
const SWITCHES = ['secure', 'dvr'] as const;

/**
 * Checks everything that can be wrong with a hit. It runs only for hits that open something: known ones were checked before.
 *
 * @throws StreamSessionsError ERR_BAD_HIT
 */
export function check(hit: HttpHit | ConnHit, address: Address): void {
  if (!isObject(hit) || !isSound(hit, address)) findFault(hit, address);
}

/**
 * Checks field by field: a client that is refused again and again passes here, and a loop over names costs several times as much.
 */
function isSound(hit: Partial<Known>, address: Address): boolean {
  const { userAgent, referer, query, token, sid, playerSessionId, url, userId, id } = hit;
  return (
    typeof hit.stream === 'string' &&
    typeof hit.protocol === 'string' &&
    typeof (address === 'ip' ? hit.ip : hit.remoteAddress) === 'string' &&
    (hit.kind === undefined || SESSION_KINDS.includes(hit.kind as never)) &&
    isTextIfAny(userAgent) &&
    isTextIfAny(referer) &&
    isTextIfAny(query) &&
    isTextIfAny(token) &&
    isTextIfAny(sid) &&
    isTextIfAny(playerSessionId) &&
    isTextIfAny(url) &&
    isTextIfAny(userId) &&
    (hit.secure === undefined || typeof hit.secure === 'boolean') &&
    (hit.dvr === undefined || typeof hit.dvr === 'boolean') &&
    id === undefined &&
    hit.keepMs === undefined &&
    hit.credentials === undefined &&
    hit.secretParameters === undefined
  );
}

const isTextIfAny = (value: unknown): boolean => value === undefined || typeof value === 'string';

/** Also checks the rare fields, which may be valid. @throws StreamSessionsError ERR_BAD_HIT */
function findFault(hit: HttpHit | ConnHit, address: Address): void {
  if (!isObject(hit))
    throw bad('a hit is an object such as { stream: "cam1", protocol: "hls", ip: "203.0.113.7" }', hit);
  const known = hit as Partial<Known>;
  const { stream, protocol, kind, id } = known;
  if (typeof stream !== 'string') throw bad('"stream" must be the code of a stream (see streamCode())', stream);
  if (typeof protocol !== 'string') throw bad('"protocol" must be a word such as "hls"', protocol);
  if (kind !== undefined && !SESSION_KINDS.includes(kind as never)) {
    throw bad(`"kind" must be one of ${SESSION_KINDS.join(', ')}`, kind);
  }
  // A socket whose client has gone no longer knows its address: that is not an error.
  if (typeof known[address] !== 'string' && !(known[address] === undefined && address in hit)) {
    const which = '"ip" of a request, or "remoteAddress" of a connection,';
    throw bad(address === 'ip' ? `${which} must be an address` : '"remoteAddress" must be an address', known[address]);
  }
  for (const name of TEXTS) {
    if (known[name] !== undefined && typeof known[name] !== 'string')
      throw bad(`"${name}" must be a string`, known[name]);
  }
  for (const name of SWITCHES) {
    if (known[name] !== undefined && typeof known[name] !== 'boolean') {
      throw bad(`"${name}" must be true or false`, known[name]);
    }
  }
  const { keepMs } = known;
  if (keepMs !== undefined && !(typeof keepMs === 'number' && keepMs >= 0)) {
    throw bad('"keepMs" must be a number of milliseconds, 0 or more', keepMs);
  }
  if (id === '' || (typeof id === 'string' && id.length > MAX_ID_LENGTH)) {
    throw bad(`"id" must have 1 to ${MAX_ID_LENGTH} characters`, id);
  }
  checkCredentials(known.credentials);
  checkParameters(known.secretParameters);
}

function checkCredentials(credentials: unknown): void {
  if (credentials === undefined) return;
  const { scheme, token, user, verify } = (credentials ?? {}) as Record<string, unknown>;
  if (scheme === 'bearer' && typeof token === 'string') return;
  const byUser = scheme === 'basic' || scheme === 'digest';
  if (byUser && typeof user === 'string' && typeof verify === 'function') return;
  throw bad('"credentials" must be what credentialsOf() makes: a bearer token, or a user with verify()', credentials);
}

function checkParameters(names: unknown): void {
  if (names === undefined || (Array.isArray(names) && names.every((name) => typeof name === 'string'))) return;
  throw bad('"secretParameters" must be a list of names', names);
}

/** Does not include the value, which may be a secret. */
function bad(what: string, value: unknown): StreamSessionsError {
  const is = value === '' ? 'empty' : value === null ? 'null' : Array.isArray(value) ? 'a list' : typeof value;
  const given = typeof value === 'string' && value !== '' ? 'another text' : is;
  return new StreamSessionsError('ERR_BAD_HIT', `${what}; it is ${given}.`);
}
