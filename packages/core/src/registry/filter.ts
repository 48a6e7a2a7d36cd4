import type { AddressReader } from '../identity/address.js';
import type { SessionFilter } from '../types/play-session.js';
import { Session } from '../session/session.js';
import type { Row } from './closed-sessions.js';

export type Test = (visit: Row) => boolean;

/** Compiles the filter to one function; undefined when it restricts nothing but stream and status. Status is not checked here. */
export function compileFilter(filter: SessionFilter, addresses: AddressReader): Test | undefined {
  const { kind, user, country, dvr, tag, reason, search } = filter;
  const protocol = filter.protocol?.toLowerCase();
  const tests: Test[] = [];
  if (protocol) tests.push((visit) => visit.protocol === protocol || visit.protocols.includes(protocol));
  if (typeof kind === 'string' && kind) tests.push((visit) => visit.kind === kind);
  else if (kind) tests.push((visit) => kind.includes(visit.kind));
  if (user) tests.push((visit) => visit.userId === user || visit.userName === user);
  if (country) tests.push((visit) => visit.country === country);
  if (dvr !== undefined) tests.push((visit) => visit.dvr === dvr);
  if (reason) tests.push((visit) => visit.closeReason === reason);
  if (filter.ip) {
    const ip = addresses.address(filter.ip);
    tests.push((visit) => visit.ip === ip || wasAt(visit, ip));
  }
  if (tag) {
    const at = tag.indexOf('=');
    const key = at < 0 ? tag : tag.slice(0, at);
    const value = at < 0 ? undefined : tag.slice(at + 1);
    tests.push((visit) => Object.hasOwn(visit.tags, key) && (value === undefined || visit.tags[key] === value));
  }
  if (search) tests.push(searchFor(search));
  if (tests.length === 0) return undefined;
  return (visit) => tests.every((test) => test(visit));
}

/** Makes no list of one for each session that it looks at. */
const wasAt = (visit: Row, ip: string): boolean =>
  visit instanceof Session ? visit.rare?.ips?.includes(ip) === true : visit.ips.includes(ip);

/** The most User-Agents and streams remembered during one search; beyond that, each value is tested anew. */
const MAX_SHARED = 10_000;

/**
 * Finds the text anywhere in the fields by which a person could recognise a session. A pattern ignores case without making
 * copies.
 */
function searchFor(text: string): Test {
  const pattern = new RegExp(text.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&'), 'iu');
  const isIn = (value: string): boolean => pattern.test(value);
  const verdicts = new Map<string, boolean>();
  /** Many sessions share such a value. */
  const isInShared = (value: string): boolean => {
    let verdict = verdicts.get(value);
    if (verdict === undefined) {
      verdict = isIn(value);
      if (verdicts.size < MAX_SHARED) verdicts.set(value, verdict);
    }
    return verdict;
  };
  return (visit) => {
    const { userAgent, userId } = visit;
    if (isInShared(visit.stream) || (userAgent !== undefined && isInShared(userAgent))) return true;
    if (isIn(visit.ip) || isIn(visit.userName) || (userId !== undefined && isIn(userId))) return true;
    const { ips, streams } = visit instanceof Session ? (visit.rare ?? NO_OTHERS) : visit;
    return (ips !== undefined && ips.some(isIn)) || (streams !== undefined && streams.some(isInShared));
  };
}

/** A plain session has one address and one stream. */
const NO_OTHERS: Partial<Pick<Row, 'ips' | 'streams'>> = {};
