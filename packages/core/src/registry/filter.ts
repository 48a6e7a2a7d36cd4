import type { AddressReader } from '../identity/address.js';
import type { PlaySession, SessionFilter } from '../model/play-session.js';
import { SESSION_KINDS } from '../model/kinds.js';
import { badOption, checkOptions } from '../support/options.js';
import type { Session } from './session.js';

const FIELDS: readonly (keyof SessionFilter)[] = [
  'stream',
  'protocol',
  'kind',
  'status',
  'user',
  'ip',
  'country',
  'tag',
  'reason',
  'limit',
  'after',
];

/** @throws StreamSessionsError ERR_BAD_OPTION for a field or value that is none: a misspelt filter must not match everybody. */
export function checkFilter(filter: SessionFilter): void {
  checkOptions('filter', filter, FIELDS);
  const { kind, status, protocol } = filter;
  if (protocol && typeof protocol !== 'string') throw badOption('protocol', 'a word such as "hls"', protocol);
  if (kind && !SESSION_KINDS.includes(kind)) throw badOption('kind', `one of ${SESSION_KINDS.join(', ')}`, kind);
  if (status && status !== 'active' && status !== 'closed') throw badOption('status', '"active" or "closed"', status);
}

/** Fields that choose how many and from where on, or whether live or closed, but nobody in particular. */
const NAME_NOBODY: readonly string[] = ['limit', 'after', 'status'];

/** True when the filter says nothing about which sessions it means. */
export function isEmptyFilter(filter: SessionFilter): boolean {
  return Object.entries(filter).every(
    ([key, value]) => NAME_NOBODY.includes(key) || value === undefined || value === '',
  );
}

type Test = (visit: Session | PlaySession) => boolean;

/** The filter as one function; undefined when everything but stream and status is open. Status is not looked at. */
export function compileFilter(filter: SessionFilter, addresses: AddressReader): Test | undefined {
  const { kind, user, country, tag, reason } = filter;
  const protocol = filter.protocol?.toLowerCase();
  const tests: Test[] = [];
  if (protocol) tests.push((visit) => visit.protocol === protocol || visit.protocols.includes(protocol));
  if (kind) tests.push((visit) => visit.kind === kind);
  if (user) tests.push((visit) => visit.userId === user || visit.userName === user);
  if (country) tests.push((visit) => visit.country === country);
  if (reason) tests.push((visit) => visit.closeReason === reason);
  if (filter.ip) {
    const ip = addresses.address(filter.ip);
    tests.push((visit) => visit.ip === ip || visit.ips.includes(ip));
  }
  if (tag) {
    const at = tag.indexOf('=');
    const key = at < 0 ? tag : tag.slice(0, at);
    const value = at < 0 ? undefined : tag.slice(at + 1);
    tests.push((visit) => Object.hasOwn(visit.tags, key) && (value === undefined || visit.tags[key] === value));
  }
  if (tests.length === 0) return undefined;
  return (visit) => tests.every((test) => test(visit));
}
