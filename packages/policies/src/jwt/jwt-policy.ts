import type { Candidate, PlaySession, Policy, Refusal, SessionKind, TrackerView, Verdict } from '@stream-sessions/core';
import { checkOptions } from '@stream-sessions/core/spi';
import { blocksOf, isIn } from '../support/blocks.js';
import { checkKinds, kindOf, WHO_ASKS, YES } from '../support/kinds.js';
import { checkNumber } from '../support/numbers.js';
import { namesStream } from '../support/stream-patterns.js';
import { checkList, checkTexts } from '../support/texts.js';
import { CLAIMS, type Grant, type JwtClaims } from './grant.js';
import { Homes } from './homes.js';
import { checkAlgorithms, prepareKeys, type JwtKeys } from './keys.js';
import { Verifier, type Verified } from './verifier.js';

/** Options of `jwtPolicy`: one of `secret`, `publicKey` and `jwks`, and the other requirements for a token. */
export interface JwtPolicyOptions extends JwtKeys {
  /** Accepted algorithms. Default: those that fit the key (HS* for a secret, RS* and PS* for RSA, …); for a set, no HS*. */
  algorithms?: readonly string[] | undefined;
  /** The `iss` claim must be this, or one of these. Default: not checked. */
  issuer?: string | readonly string[] | undefined;
  /** The `aud` claim must contain this, or one of these. Default: not checked. */
  audience?: string | readonly string[] | undefined;
  /** Claims that must be present. Default none; `['exp', 'sub']` is a good choice. */
  requiredClaims?: readonly string[] | undefined;
  /** The names of the claims that say who, what and from where. */
  claims?: JwtClaims | undefined;
  /** How much a clock may be off for `nbf`, in milliseconds; `exp` is exact to the second. Default 0. */
  clockToleranceMs?: number | undefined;
  /** Who must present a token; others are admitted. Default: all but `output`. */
  kinds?: readonly SessionKind[] | undefined;
  /**
   * How many verified tokens are remembered, and not verified again. Default 10_000. Anyone can turn an ECDSA token into a second
   * one; that is refused as long as the first is remembered, so set this above the number in use at a time.
   */
  remember?: number | undefined;
  /** Default `jwt`. */
  name?: string | undefined;
}

const NAMES: readonly (keyof JwtPolicyOptions)[] = [
  ...(['secret', 'publicKey', 'jwks', 'algorithms', 'issuer', 'audience', 'requiredClaims', 'claims'] as const),
  ...(['clockToleranceMs', 'kinds', 'remember', 'name'] as const),
];

/**
 * Admits viewers with a JSON Web Token (RFC 7519) that allows the stream: as the viewer token, or as `Authorization: Bearer`,
 * which takes precedence. The session ends at `exp` as `expired`, unless a renewed token comes before that.
 *
 * @throws StreamSessionsError ERR_BAD_OPTION
 */
export function jwtPolicy(options: JwtPolicyOptions): Policy {
  checkOptions('jwtPolicy()', options, NAMES);
  const { issuer, audience, requiredClaims = [], remember = 10_000 } = options;
  const keys = prepareKeys(options);
  const checks = {
    algorithms: checkAlgorithms(options.algorithms, keys),
    issuer: checkTexts('issuer', issuer),
    audience: checkTexts('audience', audience),
    requiredClaims: checkList('requiredClaims', requiredClaims),
    claims: claimNames(options.claims ?? {}),
  };
  return new JwtPolicy(
    options.name ?? 'jwt',
    new Verifier(keys, checks, checkNumber('remember', remember, 0)),
    checks.claims,
    checkKinds(options.kinds ?? WHO_ASKS),
    checkNumber('clockToleranceMs', options.clockToleranceMs ?? 0, 0),
  );
}

/** An undefined name (such as an unset variable) means the usual one, because a claim that is not read restricts nothing. */
function claimNames(names: JwtClaims): Required<JwtClaims> {
  checkOptions('claims', names, Object.keys(CLAIMS));
  const given = Object.entries(names).filter(([, name]) => name !== undefined) as [string, string][];
  for (const [field, name] of given) checkList(`claims.${field}`, [name]);
  return { ...CLAIMS, ...Object.fromEntries(given) };
}

class JwtPolicy implements Policy {
  readonly stage = 'authorise';
  private readonly homes = new Homes();
  /** Candidates that were approved, until the outcome is known. */
  private readonly granted = new WeakMap<Candidate, Grant>();

  constructor(
    readonly name: string,
    private readonly verifier: Verifier,
    private readonly claims: Required<JwtClaims>,
    private readonly kinds: ReadonlySet<SessionKind>,
    private readonly clockToleranceMs: number,
  ) {}

  admit(candidate: Candidate, view: TrackerView): Verdict | Promise<Verdict> {
    if (!this.kinds.has(kindOf(candidate))) return YES;
    const token = tokenOf(candidate);
    if (!token) return no('there is no token');
    const verified = this.verifier.verify(token, candidate.again === true, view.now);
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

  private judge(candidate: Candidate, now: number, verified: Verified): Verdict {
    if ('allow' in verified) return verified;
    const refusal = this.refusal(candidate, now, verified);
    return refusal ?? this.yes(candidate, verified);
  }

  /** Why this token, although valid, does not admit this candidate now. */
  private refusal(candidate: Candidate, now: number, grant: Grant): Refusal | undefined {
    const { notBefore, expiresAt, streams, from } = grant;
    const { claims } = this;
    if (expiresAt <= now) return { ...no(`the claim "exp" passed at ${isoOf(expiresAt)}`), reason: 'expired' };
    const early = notBefore - now;
    // Not refused for longer than the token takes to become valid.
    if (early > this.clockToleranceMs) {
      return { ...no(`the claim "nbf" comes at ${isoOf(notBefore)}`), denyForMs: Math.min(early, 60_000) };
    }
    const kind = kindOf(candidate);
    if (!grant.kinds.includes(kind)) return no(`the claim "${claims.kinds}" does not name ${kind}`, 'forbidden');
    if (streams !== undefined && !namesStream(streams, candidate.stream)) {
      return no(`the claim "${claims.streams}" does not name this stream`, 'forbidden');
    }
    const blocks = from === undefined ? undefined : blocksOf(from);
    if (blocks === undefined || isIn(blocks, candidate.ip)) return undefined;
    return no(`the claim "${claims.ip}" does not name this address`, 'forbidden');
  }

  private yes(candidate: Candidate, grant: Grant): Verdict {
    const { expiresAt, issuedAt, user, tags, maxSessions } = grant;
    this.granted.set(candidate, grant);
    const continues = this.homes.find(candidate, grant);
    return {
      allow: true,
      ...(user === undefined ? {} : { userId: user }),
      ...(tags === undefined ? {} : { tags }),
      ...(expiresAt === Infinity ? {} : { expiresAt }),
      ...(issuedAt === undefined ? {} : { issuedAt }),
      ...(maxSessions === undefined ? {} : { maxSessions }),
      ...(continues === undefined ? {} : { continues }),
    };
  }
}

const tokenOf = ({ credentials, token }: Candidate): string | undefined =>
  credentials?.scheme === 'bearer' ? credentials.token : token;

const isoOf = (time: number): string => new Date(time).toISOString();

const no = (detail: string, kind: 'credentials' | 'forbidden' = 'credentials'): Refusal => ({
  allow: false,
  reason: 'unauthorized',
  kind,
  detail,
});
