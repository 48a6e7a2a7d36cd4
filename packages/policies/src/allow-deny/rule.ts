import type { Candidate } from '@stream-sessions/core';
import { badOption, checkOptions } from '@stream-sessions/core/spi';
import { blocksOf, isIn } from '../support/blocks.js';
import { isStreamPatterns, namesStream } from '../support/stream-patterns.js';
import { hostOf, ruleHost } from './referer.js';

type OneOrMore<T> = T | readonly T[];

/** Matches viewers that have all the fields it names, and one value of each list. Needs at least one field. */
export interface Rule {
  /** ISO 3166-1 alpha-2: two letters. Needs a `geo` resolver; an unknown address matches no country. */
  country?: OneOrMore<string> | undefined;
  /** An address or a CIDR block. */
  ip?: OneOrMore<string> | undefined;
  /** Part of the user agent, in any case; or a regular expression. */
  userAgent?: OneOrMore<string | RegExp> | undefined;
  /**
   * The host of the page, or a parent domain: `example.com` also matches `www.example.com`, on any port. Or a regular
   * expression for the whole referer.
   */
  referer?: OneOrMore<string | RegExp> | undefined;
  /** A stream code; `*` stands for any characters: `news/*`. */
  stream?: OneOrMore<string> | undefined;
}

type Test = (candidate: Candidate) => boolean;

/** A rule, prepared. */
export interface CompiledRule {
  /** Its position: `deny[0]`. */
  readonly place: string;
  readonly fields: readonly string[];
  readonly matches: Test;
}

/** @throws StreamSessionsError ERR_BAD_OPTION */
export function compileRule(name: string, index: number, rule: Rule): CompiledRule {
  checkOptions(`a rule of ${name}`, rule, ['country', 'ip', 'userAgent', 'referer', 'stream']);
  const tests: Test[] = [];
  const { country, ip, userAgent, referer, stream } = rule;
  if (country !== undefined) {
    const codes = new Set(texts(name, 'country', country).map((code) => code.toUpperCase()));
    // A rule that matches nobody would deny nobody.
    if (![...codes].every((code) => /^[A-Z]{2}$/.test(code))) {
      throw badOption(`${name}: country`, 'a code of two letters such as "NL", or a list of them', country);
    }
    tests.push((candidate) => candidate.country !== undefined && codes.has(candidate.country.toUpperCase()));
  }
  if (ip !== undefined) {
    const blocks = blocksOf(texts(name, 'ip', ip));
    if (blocks === undefined) throw badOption(`${name}: ip`, 'an address or CIDR block, or a list of them', ip);
    tests.push((candidate) => isIn(blocks, candidate.ip));
  }
  if (userAgent !== undefined) {
    const matches = oneOf(name, 'userAgent', userAgent, (part) => {
      const lower = part.toLowerCase();
      return (text) => text.toLowerCase().includes(lower);
    });
    tests.push((candidate) => matches(candidate.userAgent ?? ''));
  }
  if (referer !== undefined) {
    const matches = oneOf(name, 'referer', referer, (text) => {
      const host = ruleHost(text);
      if (host === undefined) {
        throw badOption(`${name}: referer`, 'a host such as "example.com" (its parts are in it) or a RegExp', text);
      }
      return (page) => {
        const from = hostOf(page);
        return from !== undefined && (from === host || from.endsWith(`.${host}`));
      };
    });
    tests.push((candidate) => matches(candidate.referer ?? ''));
  }
  if (stream !== undefined) {
    const patterns = texts(name, 'stream', stream);
    if (!isStreamPatterns(patterns)) throw badOption(`${name}: stream`, 'a stream code or pattern', stream);
    tests.push((candidate) => namesStream(patterns, candidate.stream));
  }
  // A rule without a field would match everyone.
  if (tests.length === 0) throw badOption(`a rule of ${name}`, 'about something: it names no field', rule);
  const fields = Object.keys(rule).filter((field) => rule[field as keyof Rule] !== undefined);
  return { place: `${name}[${index}]`, fields, matches: (candidate) => tests.every((test) => test(candidate)) };
}

const list = <T>(value: OneOrMore<T>): readonly T[] => (Array.isArray(value) ? (value as readonly T[]) : [value as T]);

function texts(name: string, field: string, value: OneOrMore<string>): readonly string[] {
  const all = list(value);
  if (all.length > 0 && all.every((text) => typeof text === 'string' && text !== '')) return all;
  throw badOption(`${name}: ${field}`, 'a string or a list of strings', value);
}

function oneOf(
  name: string,
  field: string,
  value: OneOrMore<string | RegExp>,
  textTest: (text: string) => (actual: string) => boolean,
): (actual: string) => boolean {
  const tests = list(value).map((one) => {
    // search() ignores lastIndex: a global expression would otherwise match every other time
    if (one instanceof RegExp) return (actual: string) => actual.search(one) >= 0;
    return textTest(texts(name, field, one)[0] as string);
  });
  if (tests.length === 0)
    throw badOption(`${name}: ${field}`, 'a string, a regular expression, or a list of them', value);
  return (actual) => tests.some((test) => test(actual));
}
