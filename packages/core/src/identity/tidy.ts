import { MAX_NAME_LENGTH, MAX_TEXT_LENGTH } from '../support/bounds.js';
import { SESSION_KINDS } from '../types/kinds.js';
import type { ConnHit, HttpHit } from '../types/hit.js';
import { StreamSessionsError } from '../support/errors.js';

/** Ids of an adapter's own: longer ones would be kept as they are. */
const MAX_ID_LENGTH = 256;

/**
 * A request as it is worked with: within its bounds, its protocol in lower case. The same object when all was well, and
 * that is nearly always.
 *
 * @throws StreamSessionsError ERR_BAD_HIT for what the caller forgot or mistook: the caller's fault, not the client's.
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

/** Whether a hit is a connection's. */
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

/** Adapters say the same few words over and over: looking at each letter once is enough. */
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
 * All that can be wrong with a hit. Asked of each that opens something, for what is known was asked already.
 *
 * @throws StreamSessionsError ERR_BAD_HIT
 */
export function check(hit: HttpHit | ConnHit, address: Address): void {
  if (!isObject(hit) || !isSound(hit, address)) findFault(hit, address);
}

/** Field by field: who is refused again and again passes here, and a loop over names costs several times as much. */
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

/** What is rare is looked at here too, and may be right. @throws StreamSessionsError ERR_BAD_HIT */
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
  // A socket whose client has gone knows its address no longer: that is no mistake.
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

/** The value itself may be a secret. */
function bad(what: string, value: unknown): StreamSessionsError {
  const is = value === '' ? 'empty' : value === null ? 'null' : Array.isArray(value) ? 'a list' : typeof value;
  const given = typeof value === 'string' && value !== '' ? 'another text' : is;
  return new StreamSessionsError('ERR_BAD_HIT', `${what}; it is ${given}.`);
}
