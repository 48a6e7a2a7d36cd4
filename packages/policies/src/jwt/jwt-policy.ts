import type { Candidate, PlaySession, Policy, SessionKind, TrackerView, Verdict } from '@stream-sessions/core';
import { badOption, checkOptions } from '@stream-sessions/core/spi';
import { isIn } from '../support/blocks.js';
import { checkKinds, kindOf, WHO_ASKS, YES } from '../support/kinds.js';
import { checkNumber } from '../support/numbers.js';
import { CLAIMS, type Grant, type JwtClaims } from './grant.js';
import { Homes } from './homes.js';
import { prepareKeys, type JwtKeys } from './keys.js';
import { Verifier, type Verified } from './verifier.js';

/** Options of `jwtPolicy`: one of `secret`, `publicKey` and `jwks`, and what else has to be true of a token. */
export interface JwtPolicyOptions extends JwtKeys {
  /** Default: those that fit the key (HS* for a secret, RS* and PS* for RSA, …). For a set: all but HS*. */
  algorithms?: readonly string[];
  /** The `iss` claim has to be this, or one of these. Default: not looked at. */
  issuer?: string | readonly string[];
  /** The `aud` claim has to name this, or one of these. Default: not looked at. */
  audience?: string | readonly string[];
  /** Claims that have to be there. Default none; `['exp', 'sub']` is a good choice. */
  requiredClaims?: readonly string[];
  /** Which claims say who, what and from where. */
  claims?: JwtClaims;
  /** How wrong a clock may be, milliseconds, for `nbf`; `exp` is kept to the second. Default 0. */
  clockToleranceMs?: number;
  /** Who has to show a token; others are let through. Default: everybody but `output`. */
  kinds?: readonly SessionKind[];
  /** So many verified tokens are remembered, and not verified again. Default 10_000. */
  remember?: number;
  /** Default `jwt`. */
  name?: string;
}

const NAMES: readonly (keyof JwtPolicyOptions)[] = [
  ...(['secret', 'publicKey', 'jwks', 'algorithms', 'issuer', 'audience', 'requiredClaims', 'claims'] as const),
  ...(['clockToleranceMs', 'kinds', 'remember', 'name'] as const),
];

/**
 * Lets in who has a JSON Web Token (RFC 7519) that allows this stream: as the viewer token, or as
 * `Authorization: Bearer`, which goes first. The session ends at `exp` as `expired`, unless a renewed token comes before.
 *
 * @throws StreamSessionsError ERR_BAD_OPTION
 */
export function jwtPolicy(options: JwtPolicyOptions): Policy {
  checkOptions('jwtPolicy()', options, NAMES);
  const { algorithms, issuer, audience, requiredClaims = [], claims = {}, remember = 10_000 } = options;
  checkOptions('claims', claims, Object.keys(CLAIMS));
  const keys = prepareKeys(options);
  if (algorithms?.length === 0) throw badOption('algorithms', 'a list that is not empty', algorithms);
  const checks = {
    algorithms: algorithms ?? keys.algorithms,
    issuer,
    audience,
    requiredClaims,
    claims: { ...CLAIMS, ...claims },
  };
  return new JwtPolicy(
    options.name ?? 'jwt',
    new Verifier(keys, checks, checkNumber('remember', remember, 0)),
    checkKinds(options.kinds ?? WHO_ASKS),
    checkNumber('clockToleranceMs', options.clockToleranceMs ?? 0, 0),
  );
}

class JwtPolicy implements Policy {
  readonly stage = 'authorise';
  private readonly homes = new Homes();
  /** Who was said yes to, until it is told how that ended. */
  private readonly granted = new WeakMap<Candidate, Grant>();

  constructor(
    readonly name: string,
    private readonly verifier: Verifier,
    private readonly kinds: ReadonlySet<SessionKind>,
    private readonly clockToleranceMs: number,
  ) {}

  admit(candidate: Candidate, view: TrackerView): Verdict | Promise<Verdict> {
    if (!this.kinds.has(kindOf(candidate))) return YES;
    const token = tokenOf(candidate);
    if (!token) return no('there is no token');
    const verified = this.verifier.verify(token, candidate.again === true);
    if (!(verified instanceof Promise)) return this.judge(candidate, view.now, verified);
    return verified.then((grant) => this.judge(candidate, view.now, grant));
  }

  settled(candidate: Candidate, session: PlaySession | undefined): void {
    const grant = this.granted.get(candidate);
    if (grant === undefined) return;
    this.granted.delete(candidate);
    if (session !== undefined) this.homes.note(candidate, grant, session);
  }

  closed({ id }: PlaySession): void {
    this.homes.forget(id);
  }

  private judge(candidate: Candidate, now: number, grant: Verified): Verdict {
    if (grant === undefined) return no('the token is not one that is accepted');
    const { notBefore, expiresAt, user, tags, maxSessions } = grant;
    if (expiresAt <= now) return { allow: false, reason: 'expired', kind: 'credentials' };
    const early = notBefore - now;
    // It is not refused for longer than it takes to become valid.
    if (early > this.clockToleranceMs)
      return { ...no('the token is not valid yet'), denyForMs: Math.min(early, 60_000) };
    if (!grant.kinds.includes(kindOf(candidate))) return no('the token is not for this', 'forbidden');
    if (grant.streams?.(candidate.stream) === false) return no('the token is for other streams', 'forbidden');
    if (grant.from !== undefined && !isIn(grant.from, candidate.ip))
      return no('the token is for other addresses', 'forbidden');
    this.granted.set(candidate, grant);
    const continues = this.homes.find(candidate, grant);
    return {
      allow: true,
      ...(user === undefined ? {} : { userId: user }),
      ...(tags === undefined ? {} : { tags }),
      ...(expiresAt === Infinity ? {} : { expiresAt }),
      ...(maxSessions === undefined ? {} : { maxSessions }),
      ...(continues === undefined ? {} : { continues }),
    };
  }
}

const tokenOf = ({ credentials, token }: Candidate): string | undefined =>
  credentials?.scheme === 'bearer' ? credentials.token : token;

const no = (detail: string, kind: 'credentials' | 'forbidden' = 'credentials'): Verdict & { allow: false } => ({
  allow: false,
  reason: 'unauthorized',
  kind,
  detail,
});
