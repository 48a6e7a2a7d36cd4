import type { Policy, Refusal, SessionKind } from '@stream-sessions/core';
import { badOption, checkOptions, SESSION_KINDS } from '@stream-sessions/core/spi';
import { checkKinds, kindOf, YES } from '../support/kinds.js';
import { compileRule, type Rule } from './rule.js';

/** Options of `allowDeny`. */
export interface AllowDenyOptions {
  /** Who is admitted: viewers that match at least one of these rules. Default: everyone who is not denied. */
  allow?: readonly Rule[] | undefined;
  /** Who is refused, whatever `allow` says. */
  deny?: readonly Rule[] | undefined;
  /** The kinds that the rules apply to; others are admitted. Default: all kinds. */
  kinds?: readonly SessionKind[] | undefined;
  /** Default `allow/deny`. */
  name?: string | undefined;
}

/**
 * Rules by country, address, user agent and referer. Applied when a session opens; a refusal is not remembered, because checking
 * again is just as cheap, and the next request may come from another page.
 *
 * @throws StreamSessionsError ERR_BAD_OPTION
 */
export function allowDeny(options: AllowDenyOptions): Policy {
  checkOptions('allowDeny()', options, ['allow', 'deny', 'kinds', 'name']);
  const { name = 'allow/deny' } = options;
  const allow = compile('allow', options.allow);
  const deny = compile('deny', options.deny);
  if (allow === undefined && deny === undefined) throw badOption('allowDeny()', 'given rules to allow or deny by', {});
  const kinds = checkKinds(options.kinds ?? SESSION_KINDS);
  return {
    name,
    stage: 'authorise',
    admit(candidate) {
      if (!kinds.has(kindOf(candidate))) return YES;
      const denying = deny?.find(({ matches }) => matches(candidate));
      if (denying !== undefined) return no(`${denying.place} names it by ${denying.fields.join(' and ')}`);
      if (allow === undefined || allow.some(({ matches }) => matches(candidate))) return YES;
      const byCountry = allow.some(({ fields }) => fields.includes('country'));
      const hint = byCountry ? `; its country is ${candidate.country ?? 'not known'}` : '';
      return no(`no rule of allow names it${hint}`);
    },
  };
}

const no = (detail: string): Refusal => ({ allow: false, reason: 'denied', kind: 'forbidden', detail, denyForMs: 0 });

function compile(name: string, rules: readonly Rule[] | undefined) {
  if (rules === undefined) return undefined;
  const given: unknown = rules;
  if (!Array.isArray(given)) throw badOption(name, 'a list of rules', given);
  return rules.map((rule, index) => compileRule(name, index, rule));
}
