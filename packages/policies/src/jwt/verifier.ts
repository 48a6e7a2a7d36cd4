import { createHash } from 'node:crypto';
import type { JWTVerifyOptions } from 'jose' with { 'resolution-mode': 'import' };
import { Recent } from '../support/recent.js';
import { readGrant, type Grant, type JwtClaims } from './grant.js';
import type { PreparedKeys } from './keys.js';

/** What has to be true of a token besides its signature and its times. */
export interface JwtChecks {
  readonly algorithms: readonly string[];
  readonly issuer: string | readonly string[] | undefined;
  readonly audience: string | readonly string[] | undefined;
  readonly requiredClaims: readonly string[];
  readonly claims: Required<JwtClaims>;
}

/** Undefined: the token is none, or not one that is accepted. */
export type Verified = Grant | undefined;
interface Loaded {
  verify(token: string): Promise<Readonly<Record<string, unknown>>>;
  /** True when something is wrong with the token; else the keys could not be had. */
  blamesToken(error: unknown): boolean;
}

/** Longer ones are no tokens; the tracker refuses them, too. */
const MAX_LENGTH = 4096;
/** Seconds. For jose no token is too old or too new: its times are looked at whenever somebody comes with it. */
const ANY_TIME = 1e12;
const JWKS = { timeoutDuration: 3_000, cooldownDuration: 30_000, cacheMaxAge: 600_000 };
/** Verifies each token once, remembers what it grants, and loads jose with the first. */
export class Verifier {
  private readonly known: Recent<Grant>;
  private readonly pending = new Map<string, Promise<Verified>>();
  private loaded: Promise<Loaded> | undefined = undefined;

  constructor(
    private readonly keys: PreparedKeys,
    private readonly checks: JwtChecks,
    remember: number,
  ) {
    this.known = new Recent(remember);
  }

  /** At once when it has been verified already, unless it should be `again`. Rejects when the keys cannot be had. */
  verify(token: string, again: boolean): Verified | Promise<Verified> {
    if (token.length > MAX_LENGTH) return undefined;
    // The hash: a token is a secret, and long.
    const id = createHash('sha256').update(token).digest('base64url');
    if (again) this.known.delete(id);
    return this.known.get(id) ?? this.pending.get(id) ?? this.begin(id, token);
  }

  private begin(id: string, token: string): Promise<Verified> {
    const verifying = this.decide(token)
      .then((grant) => {
        // Who is rejected is remembered by the tracker, for a while: the keys may change.
        if (grant !== undefined) this.known.set(id, grant);
        return grant;
      })
      .finally(() => this.pending.delete(id));
    this.pending.set(id, verifying);
    return verifying;
  }

  private async decide(token: string): Promise<Verified> {
    const loaded = await (this.loaded ??= this.load());
    try {
      return readGrant(await loaded.verify(token), this.checks.claims);
    } catch (error) {
      if (loaded.blamesToken(error)) return undefined;
      throw error;
    }
  }

  /** jose is an ES module: `import()` is what brings it into a CommonJS build on every Node from 20 on. */
  private async load(): Promise<Loaded> {
    const { jwtVerify, createLocalJWKSet, createRemoteJWKSet, errors } = await import('jose');
    const { algorithms, issuer, audience, requiredClaims } = this.checks;
    const options: JWTVerifyOptions = {
      algorithms: [...algorithms],
      requiredClaims: [...requiredClaims],
      clockTolerance: ANY_TIME,
      ...(issuer === undefined ? {} : { issuer: typeof issuer === 'string' ? issuer : [...issuer] }),
      ...(audience === undefined ? {} : { audience: typeof audience === 'string' ? audience : [...audience] }),
    };
    const { JOSEError, JWKSInvalid, JWKSTimeout } = errors;
    const blamesToken = (error: unknown): boolean =>
      error instanceof JOSEError &&
      // the plain class: the set was not to be had by HTTP
      error.constructor !== JOSEError &&
      !(error instanceof JWKSInvalid || error instanceof JWKSTimeout);
    const { keys } = this;
    if ('key' in keys)
      return { verify: async (token) => (await jwtVerify(token, keys.key, options)).payload, blamesToken };
    const keyOf =
      'url' in keys
        ? createRemoteJWKSet(keys.url, JWKS)
        : createLocalJWKSet(keys.set as Parameters<typeof createLocalJWKSet>[0]);
    return { verify: async (token) => (await jwtVerify(token, keyOf, options)).payload, blamesToken };
  }
}
