import { AddressReader } from '../identity/address.js';
import { compileRecipes, type Recipes } from '../identity/recipe.js';
import type { Protocol } from '../model/kinds.js';
import { inOrder } from '../policy/pipeline.js';
import type { Policy } from '../policy/policy.js';
import type { Session } from '../registry/session.js';
import { StreamSessionsError } from '../support/errors.js';
import { nullGeo, type GeoResolver } from '../support/geo.js';
import { badOption, checkOptions } from '../support/options.js';
import type { HotOptions, TrackerOptions } from './options.js';

const MINUTE = 60_000;

const DEFAULTS = {
  enabled: true,
  idleTimeoutMs: 30_000 as number | Partial<Record<Protocol | 'default', number>>,
  stallTimeoutMs: 5 * MINUTE,
  maxLifetimeMs: 0,
  deniedRetentionMs: 10 * MINUTE,
  maxDenials: 100_000,
  closedRetentionMs: 10 * MINUTE,
  closedRetentionMax: 10_000,
  maxSessions: 1_000_000,
  maxSessionsPerIp: 10_000,
  policyTimeoutMs: 10_000,
  updateIntervalMs: 5_000,
  exposeTokens: false,
};

/** Option names; the documentation is checked against them. */
export const HOT_OPTIONS: readonly string[] = [...Object.keys(DEFAULTS), 'onOverload', 'identity', 'policies', 'geo'];
export const FIXED_OPTIONS: readonly string[] = ['autoStart', 'fingerprintKey', 'clock', 'logger'];

/** Numbers that may be any size from 0 on, milliseconds or counts. */
const AMOUNTS = [
  'stallTimeoutMs',
  'maxLifetimeMs',
  'deniedRetentionMs',
  'maxDenials',
  'closedRetentionMs',
  'closedRetentionMax',
  'maxSessions',
  'maxSessionsPerIp',
  'policyTimeoutMs',
  'updateIntervalMs',
] as const;

/** The options, checked and prepared once, so that nothing is looked up or compiled per hit. */
export class Settings {
  private options: HotOptions & typeof DEFAULTS;
  recipes: Recipes;
  addresses: AddressReader;
  policies: readonly Policy[];
  /** Policies that want to be asked at a time of theirs. */
  reviewers: readonly Policy[] = [];
  /** Some policy decides by credentials: being found is then not being let in. */
  authorises = false;

  constructor(options: TrackerOptions) {
    checkOptions('createTracker()', options, [...HOT_OPTIONS, ...FIXED_OPTIONS]);
    const { autoStart: _start, fingerprintKey: _key, clock: _clock, logger: _logger, ...hot } = options;
    this.options = this.checked({ ...DEFAULTS, ...present(hot) });
    this.recipes = compileRecipes(this.options.identity ?? {});
    this.addresses = new AddressReader(this.options.identity?.ipv6PrefixLength ?? 64);
    this.policies = [];
    this.usePolicies(this.options.policies ?? []);
  }

  /** @throws StreamSessionsError and changes nothing when one of the options is wrong. */
  update(patch: HotOptions): void {
    checkOptions('updateConfig()', patch, HOT_OPTIONS);
    const next = this.checked({ ...this.options, ...present(patch) });
    const recipes = patch.identity === undefined ? this.recipes : compileRecipes(patch.identity);
    const policies = patch.policies === undefined ? this.policies : inOrder(patch.policies);
    if (patch.identity !== undefined) this.addresses = new AddressReader(patch.identity.ipv6PrefixLength ?? 64);
    this.options = next;
    this.recipes = recipes;
    if (policies !== this.policies) this.usePolicies(policies);
  }

  get enabled(): boolean {
    return this.options.enabled;
  }
  get stallTimeoutMs(): number {
    return this.options.stallTimeoutMs;
  }
  get maxLifetimeMs(): number {
    return this.options.maxLifetimeMs;
  }
  get deniedRetentionMs(): number {
    return this.options.deniedRetentionMs;
  }
  get maxDenials(): number {
    return this.options.maxDenials;
  }
  get closedRetentionMs(): number {
    return this.options.closedRetentionMs;
  }
  get closedRetentionMax(): number {
    return this.options.closedRetentionMax;
  }
  get maxSessions(): number {
    return this.options.maxSessions;
  }
  get maxSessionsPerIp(): number {
    return this.options.maxSessionsPerIp;
  }
  get policyTimeoutMs(): number {
    return this.options.policyTimeoutMs;
  }
  get updateIntervalMs(): number {
    return this.options.updateIntervalMs;
  }
  get exposeTokens(): boolean {
    return this.options.exposeTokens;
  }
  get geo(): GeoResolver {
    return this.options.geo ?? nullGeo;
  }
  get aliases(): boolean {
    return this.options.identity?.aliases !== false;
  }
  get aliasesAdmit(): boolean {
    return this.options.identity?.aliases === 'admit';
  }
  get mergeConnections(): boolean {
    return this.options.identity?.mergeConnections ?? false;
  }
  get deniesOverload(): boolean {
    return (this.options.onOverload ?? (this.policies.length > 0 ? 'deny' : 'untracked')) === 'deny';
  }

  /** The longest of the session's protocols'. */
  idleTimeoutOf(session: Session): number {
    const timeouts = this.options.idleTimeoutMs;
    if (typeof timeouts === 'number') return timeouts;
    return Math.max(...session.protocols.map((protocol) => timeouts[protocol] ?? timeouts.default ?? 30_000));
  }

  private usePolicies(policies: readonly Policy[]): void {
    this.policies = inOrder(policies);
    this.reviewers = this.policies.filter((policy) => policy.deadline !== undefined);
    this.authorises = this.policies.some((policy) => policy.stage === 'authorise');
  }

  private checked(options: HotOptions & typeof DEFAULTS): HotOptions & typeof DEFAULTS {
    for (const name of AMOUNTS) {
      if (!(options[name] >= 0)) throw badOption(name, 'a number from 0 on', options[name]);
    }
    const { idleTimeoutMs, onOverload, identity } = options;
    const timeouts = typeof idleTimeoutMs === 'object' ? Object.entries(idleTimeoutMs) : [['', idleTimeoutMs]];
    for (const [protocol, ms] of timeouts as [string, unknown][]) {
      if (typeof ms === 'number' && ms > 0) continue;
      throw badOption(`idleTimeoutMs${protocol && `.${protocol}`}`, 'a number above 0', ms);
    }
    if (onOverload !== undefined && onOverload !== 'untracked' && onOverload !== 'deny') {
      throw badOption('onOverload', '"untracked" or "deny"', onOverload);
    }
    const length = identity?.ipv6PrefixLength ?? 64;
    if (!Number.isInteger(length) || length < 1 || length > 128) {
      throw badOption('identity.ipv6PrefixLength', 'a whole number from 1 to 128', length);
    }
    if (!options.enabled && (options.policies?.length ?? 0) > 0) {
      throw new StreamSessionsError(
        'ERR_WOULD_OPEN_ALL',
        'enabled: false would let everybody in past the configured policies. Remove the policies first, if you mean it.',
      );
    }
    return options;
  }
}

/** An option set to undefined is an option not given. */
function present<T extends object>(options: T): Partial<T> {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as Partial<T>;
}
