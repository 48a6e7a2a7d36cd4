import type { JWTVerifyGetKey, JWTVerifyOptions } from 'jose' with { 'resolution-mode': 'import' };
import { faultOf } from './faults.js';
import type { JwtClaims } from './grant.js';
import type { PreparedKeys } from './keys.js';
import { RemoteKeys } from './remote-keys.js';
import { Unacceptable } from './unacceptable.js';

/** What must hold for a token besides its signature and times. */
export interface JwtChecks {
  readonly algorithms: readonly string[];
  readonly issuer: string | readonly string[] | undefined;
  readonly audience: string | readonly string[] | undefined;
  readonly requiredClaims: readonly string[];
  readonly claims: Required<JwtClaims>;
}

type Payload = Readonly<Record<string, unknown>>;

/** Returns the claims of a token; rejects with `Unacceptable` if something is wrong with it. `now` is in epoch milliseconds. */
export type Verify = (token: string, now: number) => Promise<Payload>;

/** Seconds. Makes jose accept any time: times are checked on every use of a token instead. */
const ANY_TIME = 1e12;
/** The number of keys tried if several in a set could have signed a token without a key id. */
const MAX_TRIED = 8;

/** jose is an ES module: only `import()` can load it into a CommonJS build on every Node from 20 on. */
export async function loadJose(keys: PreparedKeys, checks: JwtChecks): Promise<Verify> {
  const { jwtVerify, createLocalJWKSet, errors } = await import('jose');
  const { algorithms, issuer, audience, requiredClaims } = checks;
  const options: JWTVerifyOptions = {
    algorithms: [...algorithms],
    requiredClaims: [...requiredClaims],
    clockTolerance: ANY_TIME,
    ...(issuer === undefined ? {} : { issuer: typeof issuer === 'string' ? issuer : [...issuer] }),
    ...(audience === undefined ? {} : { audience: typeof audience === 'string' ? audience : [...audience] }),
  };

  async function verifyBySet(token: string, find: JWTVerifyGetKey): Promise<Payload> {
    try {
      return (await jwtVerify(token, find, options)).payload;
    } catch (error) {
      if (error instanceof errors.JWKSMultipleMatchingKeys) return verifyByAny(token, error);
      throw error;
    }
  }

  async function verifyByAny(token: string, candidates: InstanceType<typeof errors.JWKSMultipleMatchingKeys>) {
    let tried = 0;
    for await (const key of candidates) {
      if (++tried > MAX_TRIED) break;
      try {
        return (await jwtVerify(token, key, options)).payload;
      } catch (error) {
        if (!(error instanceof errors.JWSSignatureVerificationFailed)) throw error;
      }
    }
    throw new Unacceptable('the signature is of none of the keys in the set');
  }

  function verifier(): Verify {
    if ('key' in keys) return async (token) => (await jwtVerify(token, keys.key, options)).payload;
    if ('set' in keys) {
      const set = createLocalJWKSet(keys.set as Parameters<typeof createLocalJWKSet>[0]);
      return (token) => verifyBySet(token, set);
    }
    const isNoMatch = (error: unknown): boolean => error instanceof errors.JWKSNoMatchingKey;
    const remote = new RemoteKeys(keys.url, createLocalJWKSet, isNoMatch);
    return (token, now) => verifyBySet(token, (...wanted) => remote.find(wanted, now));
  }

  const verify = verifier();
  return (token, now) =>
    verify(token, now).catch((error: unknown) => {
      throw faultOf(error, token, errors) ?? error;
    });
}
