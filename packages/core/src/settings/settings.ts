import { randomBytes } from 'node:crypto';
import { KICK_BY_ADDRESS, type KickByAddress } from '../types/denial.js';
import { AddressReader } from '../identity/address.js';
import { fingerprinter } from '../identity/fingerprint.js';
import { KeyedHash } from '../identity/keyed-hash.js';
import type { Fingerprint } from '../identity/shown-text.js';
import { compileRecipes, type Recipes } from '../identity/recipe.js';
import type { Protocol } from '../types/kinds.js';
import { inOrder } from '../policy/pipeline.js';
import type { Policy } from '../types/policy.js';
import { StreamSessionsError } from '../support/errors.js';
import { nullGeo, type GeoResolver } from '../types/geo.js';
import { badOption, badSecret, checkClock, checkDuration, checkMethods, checkOptions } from '../support/options.js';
import type { HotOptions, TrackerOptions } from '../types/options.js';

const MINUTE = 60_000;

const DEFAULTS = {
  enabled: true,
  idleTimeoutMs: 30_000 as number | Partial<Record<Protocol | 'default', number>>,
  stallTimeoutMs: 5 * MINUTE,
  maxLifetimeMs: 0,
  deniedRetentionMs: 10 * MINUTE,
  revokeForMs: 30 * 24 * 60 * MINUTE,
  kickByAddress: 'connections' as KickByAddress,
  maxDenials: 100_000,
  closedRetentionMs: 10 * MINUTE,
  closedRetentionMax: 10_000,
  maxSessions: 1_000_000,
  maxSessionsPerIp: 10_000,
  policyTimeoutMs: 10_000,
  updateIntervalMs: 5_000,
  exposeTokens: false,
};

/** Option names, against which the documentation is checked. */
export const HOT_OPTIONS: readonly string[] = [...Object.keys(DEFAULTS), 'onOverload', 'identity', 'policies', 'geo'];
export const FIXED_OPTIONS: readonly string[] = [
  'autoStart',
  'fingerprintKey',
  'state',
  'resumeWithinMs',
  'clock',
  'logger',
];

/** Options that are any number from 0 up: milliseconds or counts. */
const AMOUNTS = [
  'stallTimeoutMs',
  'maxLifetimeMs',
  'deniedRetentionMs',
  'revokeForMs',
  'maxDenials',
  'closedRetentionMs',
  'closedRetentionMax',
  'maxSessions',
  'maxSessionsPerIp',
  'policyTimeoutMs',
  'updateIntervalMs',
] as const;

type Complete = HotOptions & typeof DEFAULTS;

/** The options, checked and prepared once: plain fields, so that a hit needs no look-up. */
export class Settings {
  enabled!: boolean;
  stallTimeoutMs!: number;
  maxLifetimeMs!: number;
  deniedRetentionMs!: number;
  revokeForMs!: number;
  kickByAddress!: KickByAddress;
  maxDenials!: number;
  closedRetentionMs!: number;
  closedRetentionMax!: number;
  maxSessions!: number;
  maxSessionsPerIp!: number;
  policyTimeoutMs!: number;
  updateIntervalMs!: number;
  exposeTokens!: boolean;
  /** Both are made with `fingerprintKey`. */
  readonly fingerprint: Fingerprint;
  readonly hash: KeyedHash;
  /** False: other trackers may use the same key. */
  readonly hasOwnKey: boolean;
  readonly resumeWithinMs: number;
  geo!: GeoResolver;
  recipes!: Recipes;
  addresses!: AddressReader;
  aliases!: boolean;
  aliasesAdmit!: boolean;
  mergeConnections!: boolean;
  deniesOverload!: boolean;
  /** True when a request may stall before its session is idle. */
  stallsBeforeIdle!: boolean;
  /** The longest idle timeout of any protocol. */
  longestIdleMs!: number;
  policies: readonly Policy[] = [];
  /** Policies that want to review sessions at times of their own. */
  reviewers: readonly Policy[] = [];
  /** True when some policy decides by credentials, so that being found is not enough to be admitted. */
  authorises = false;
  private options: Complete;

  constructor(options: TrackerOptions) {
    checkOptions('createTracker()', options, [...HOT_OPTIONS, ...FIXED_OPTIONS]);
    const { autoStart, fingerprintKey, state, resumeWithinMs = 5 * MINUTE, clock, logger, ...hot } = options;
    checkSwitch('autoStart', autoStart);
    checkClock(clock);
    checkObject('logger', logger, ['debug', 'info', 'warn', 'error']);
    if (fingerprintKey !== undefined && (typeof fingerprintKey !== 'string' || fingerprintKey === '')) {
      throw badSecret('fingerprintKey', 'a string that is not empty', fingerprintKey);
    }
    checkObject('state', state, ['load', 'save', 'close']);
    checkDuration('resumeWithinMs', resumeWithinMs);
    this.resumeWithinMs = resumeWithinMs;
    const key = fingerprintKey ?? state?.fingerprintKey ?? randomBytes(32);
    if (state !== undefined && typeof key !== 'string') {
      throw badOption('fingerprintKey', 'set where the state store does not keep one', 'undefined');
    }
    this.hasOwnKey = typeof key === 'string';
    this.fingerprint = fingerprinter(key);
    this.hash = new KeyedHash(key);
    this.options = this.prepare({ ...DEFAULTS, ...present(hot) }, undefined);
  }

  /** @throws StreamSessionsError if one of the options is invalid; nothing is changed then. */
  update(patch: HotOptions): void {
    checkOptions('updateConfig()', patch, HOT_OPTIONS);
    this.options = this.prepare({ ...this.options, ...present(patch) }, this.options);
  }

  /** The options that decide who counts as the same viewer, and for how long, as given. */
  get identity(): Pick<HotOptions, 'identity' | 'idleTimeoutMs'> {
    const { identity = {}, idleTimeoutMs } = this.options;
    return { identity, idleTimeoutMs };
  }

  /** As given. */
  get idleTimeouts(): Complete['idleTimeoutMs'] {
    return this.options.idleTimeoutMs;
  }

  /** The longest timeout among the session's protocols. */
  idleTimeoutOf({ protocols }: { readonly protocols: readonly Protocol[] }): number {
    const timeouts = this.options.idleTimeoutMs;
    if (typeof timeouts === 'number') return timeouts;
    return Math.max(...protocols.map((protocol) => timeouts[protocol] ?? timeouts.default ?? 30_000));
  }

  /** All checks come before the first change. */
  private prepare(options: Complete, before: Complete | undefined): Complete {
    check(options);
    const { identity = {}, onOverload, idleTimeoutMs, stallTimeoutMs } = options;
    const policies = inOrder(options.policies ?? []);
    // Copies: if the caller later changes what it passed in, nothing changes here.
    options = { ...options, identity: structuredClone(identity) };
    if (options.policies !== undefined) options.policies = [...options.policies];
    // Without a prototype, so that no protocol matches an inherited property.
    if (typeof idleTimeoutMs === 'object') {
      const timeouts = Object.create(null) as Record<string, number>;
      for (const [protocol, ms] of Object.entries(idleTimeoutMs)) timeouts[protocol.toLowerCase()] = ms as number;
      options.idleTimeoutMs = timeouts;
    }
    const longestIdleMs =
      typeof idleTimeoutMs === 'number' ? idleTimeoutMs : Math.max(30_000, ...values(idleTimeoutMs));
    const recipes = compileRecipes(identity);
    for (const name of Object.keys(DEFAULTS)) {
      if (name !== 'idleTimeoutMs') Object.assign(this, { [name]: options[name as keyof Complete] });
    }
    this.geo = options.geo ?? nullGeo;
    this.recipes = recipes;
    if (before === undefined || before.identity?.ipv6PrefixLength !== identity.ipv6PrefixLength) {
      this.addresses = new AddressReader(identity.ipv6PrefixLength ?? 64);
    }
    this.aliases = identity.aliases !== false;
    this.aliasesAdmit = identity.aliases === 'admit';
    this.mergeConnections = identity.mergeConnections ?? false;
    this.policies = policies;
    this.reviewers = policies.filter((policy) => policy.deadline !== undefined);
    this.authorises = policies.some((policy) => policy.stage === 'authorise');
    this.deniesOverload = (onOverload ?? (policies.length > 0 ? 'deny' : 'untracked')) === 'deny';
    this.longestIdleMs = longestIdleMs;
    this.stallsBeforeIdle = stallTimeoutMs > 0 && stallTimeoutMs < longestIdleMs;
    return options;
  }
}

const values = (timeouts: object): number[] => Object.values(timeouts) as number[];

/** @throws StreamSessionsError ERR_BAD_OPTION, ERR_WOULD_OPEN_ALL */
function check(options: Complete): void {
  for (const name of AMOUNTS) {
    const amount: unknown = options[name];
    if (!(typeof amount === 'number' && amount >= 0)) throw badOption(name, 'a non-negative number', amount);
  }
  const { idleTimeoutMs, onOverload, identity, geo } = options;
  checkSwitch('enabled', options.enabled);
  checkSwitch('exposeTokens', options.exposeTokens);
  if (typeof (identity ?? {}) !== 'object') throw badOption('identity', 'an object', identity);
  checkSwitch('identity.mergeConnections', identity?.mergeConnections);
  if (identity?.aliases !== 'admit') checkSwitch('identity.aliases', identity?.aliases);
  checkObject('geo', geo, ['country']);
  const perProtocol: unknown = idleTimeoutMs;
  const timeouts =
    typeof perProtocol === 'object' && perProtocol !== null && !Array.isArray(perProtocol)
      ? Object.entries(perProtocol)
      : [['', perProtocol]];
  for (const [protocol, ms] of timeouts as [string, unknown][]) {
    if (typeof ms === 'number' && ms > 0) continue;
    throw badOption(`idleTimeoutMs${protocol && `.${protocol}`}`, 'a number above 0', ms);
  }
  if (onOverload !== undefined && onOverload !== 'untracked' && onOverload !== 'deny') {
    throw badOption('onOverload', '"untracked" or "deny"', onOverload);
  }
  if (!(KICK_BY_ADDRESS as readonly unknown[]).includes(options.kickByAddress)) {
    throw badOption('kickByAddress', KICK_BY_ADDRESS.map((when) => `"${when}"`).join(', '), options.kickByAddress);
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
}

/** Only true and false: the string "false" from a settings file would count as true. */
function checkSwitch(name: string, value: unknown): void {
  if (value !== undefined && typeof value !== 'boolean') throw badOption(name, 'true or false', value);
}

function checkObject(name: string, value: object | undefined, methods: readonly string[]): void {
  if (value !== undefined) checkMethods(name, value, methods);
}

/** An option set to undefined counts as not given. */
function present<T extends object>(options: T): Partial<T> {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as Partial<T>;
}
