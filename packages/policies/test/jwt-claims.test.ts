import { createHmac, generateKeyPairSync } from 'node:crypto';
import fc from 'fast-check';
import { jwtPolicy, type JwtPolicyOptions } from '@stream-sessions/policies';
import { jwt, part, SECRET, signedBy, START_SEC } from './support/jwt.js';
import { ask, denialOf, sessionOf, stopAll, world } from './support/make.js';

afterEach(stopAll);

const setup = (over: Partial<JwtPolicyOptions> = {}) =>
  world([jwtPolicy({ ...('jwks' in over ? {} : { secret: SECRET }), ...over })]);
const bob = (over: object = {}) => jwt({ sub: 'bob', exp: START_SEC + 600, ...over });

/** What an operator is told of a refusal: by the denial, and by `explain` of it. */
async function told(token: string | undefined, over: Partial<JwtPolicyOptions> = {}): Promise<string> {
  const { tracker, log } = setup(over);
  const denial = denialOf(await ask(tracker, { token }));
  const explained = tracker.explain(denial.id)?.policies[0]?.detail;
  expect(explained).toBe(denial.detail);
  if (token) expect(JSON.stringify([log, denial, tracker.denials()])).not.toContain(token);
  return denial.detail ?? '';
}

describe('a claim that jwtPolicy reads', () => {
  const names = ['sub', 'streams', 'tags', 'ip', 'kinds', 'max_sessions', 'exp', 'nbf', 'iat', 'sid', 'jti'];
  const wrong: Record<string, unknown[]> = {
    sub: [5, 0, '', true, [], {}, ['bob'], 'x'.repeat(257)],
    streams: [5, 0, true, {}, [5], [null], [['cam1']], 'x'.repeat(257), new Array(257).fill('cam1')],
    tags: [
      5,
      'gold',
      ['gold'],
      { plan: 5 },
      { plan: null },
      { plan: { x: 1 } },
      { '': 'x' },
      { plan: 'x'.repeat(257) },
    ],
    ip: [5, true, {}, '', 'home', '203.0.113.7/33', '203.0.113.7/', [5], [null], '203.0.113.7/24/1'],
    kinds: [5, 'viewer', {}, [5], [null], ['']],
    max_sessions: [-1, 1.5, '3', true, [], {}],
    exp: ['tomorrow', String(START_SEC + 600), true, [], {}, 1e300],
    nbf: ['yesterday', String(START_SEC), true, [], {}, 1e300],
    iat: ['yesterday', String(START_SEC), true, [], {}, 1e300],
    sid: [5, '', [], {}, true, 'x'.repeat(257)],
    jti: [5, '', [], {}, true, 'x'.repeat(257)],
  };
  const cases = names.flatMap((name) =>
    [null, ...(wrong[name] ?? [])].map((value): [string, unknown] => [name, value]),
  );

  it.each(cases)('makes the token invalid if it is invalid, and is named: %s = %j', async (name, value) => {
    expect(await told(bob({ [name]: value }))).toMatch(new RegExp(`^the claim "${name}" (is|comes)`));
  });

  it('is refused if JSON reads it as Infinity, because it would never end', async () => {
    for (const name of ['exp', 'nbf', 'max_sessions']) {
      const body = Buffer.from(`{"sub":"bob","${name}":1e999}`).toString('base64url');
      const signed = `${part({ alg: 'HS256' })}.${body}`;
      const token = `${signed}.${createHmac('sha256', SECRET).update(signed).digest('base64url')}`;
      expect(await told(token)).toContain(`the claim "${name}" is a number, `);
    }
  });

  it.each([
    ['sub', 5, 'the claim "sub" is a number, not a string of 1 to 256 characters'],
    ['sub', null, 'the claim "sub" is null, not a string of 1 to 256 characters'],
    ['exp', '1767226200', 'the claim "exp" is a string, not a number of seconds since 1970'],
    ['streams', null, 'the claim "streams" is null, not a stream or pattern, or a list of them'],
    ['tags', ['gold'], 'the claim "tags" is a list, not an object of at most 32 strings'],
  ])('is described by type in the refusal: %s = %j', async (name, value, expected) => {
    expect(await told(bob({ [name]: value }))).toBe(expected);
  });

  it('is checked, while other claims may be anything', async () => {
    const others = ['iss', 'aud', 'name', 'email', 'roles', '__proto__', 'constructor', 'toString'];
    await fc.assert(
      fc.asyncProperty(fc.dictionary(fc.constantFrom(...others), fc.jsonValue()), async (claims) => {
        sessionOf(await ask(setup().tracker, { token: bob(claims) }));
      }),
      { numRuns: 50 },
    );
  });

  it('can be as deep and as long as a token allows, and is read in no time', async () => {
    const deep = JSON.parse(`${'['.repeat(1_400)}${']'.repeat(1_400)}`) as unknown;
    for (const name of names) {
      expect((await ask(setup().tracker, { token: bob({ [name]: deep }) })).admitted).toBe(false);
    }
    const credentials = { scheme: 'bearer' as const, token: bob({ sub: 'x'.repeat(60_000) }) };
    const denial = denialOf(await ask(setup().tracker, { credentials }));
    expect(denial.detail).toBe('the bearer token is longer than 8192 characters');
  });
});

describe('why a token is refused', () => {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const other = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;
  const jwks = { keys: [{ ...publicKey.export({ format: 'jwk' }), kid: '1' }] };
  const claims = { sub: 'bob', exp: START_SEC + 600 };
  const [head = '', body = '', tail = ''] = bob().split('.');

  it.each<[string, string | undefined, Partial<JwtPolicyOptions>, string]>([
    ['no token', undefined, {}, 'there is no token'],
    ['a text', 'open sesame', {}, 'the token is not a JWT as an issuer writes it: three parts in base64url, no more'],
    ['padding', `${bob()}=`, {}, 'the token is not a JWT as an issuer writes it: three parts in base64url, no more'],
    ['a header that is none', `${part(5)}.${body}.${tail}`, {}, 'the token is not a JWT'],
    ['claims that are none', jwt([] as object), {}, 'the token is not a JWT'],
    ['a wrong signature', jwt(claims, { secret: `${SECRET}!` }), {}, 'the signature is wrong'],
    ['changed claims', `${head}.${part({ sub: 'eve' })}.${tail}`, {}, 'the signature is wrong'],
    [
      'another algorithm',
      signedBy(privateKey, 'ES256', claims),
      {},
      'the token is signed with ES256, which is not accepted',
    ],
    ['alg none', `${part({ alg: 'none' })}.${body}.AA`, {}, 'the token is signed with none, which is not accepted'],
    [
      'a strange algorithm',
      `${part({ alg: bob() })}.${body}.AA`,
      {},
      'the token is signed with something, which is not accepted',
    ],
    [
      'an unknown critical header',
      jwt(claims, { header: { crit: ['x'], x: 1 } }),
      {},
      'the header of the token asks for something that is not supported',
    ],
    [
      'an unknown key',
      signedBy(privateKey, 'ES256', claims, '2'),
      { jwks },
      'the set of keys has none that fits the token',
    ],
    ['the wrong key', signedBy(other, 'ES256', claims, '1'), { jwks }, 'the signature is wrong'],
    [
      'a wrong issuer',
      bob({ iss: 'https://c' }),
      { issuer: 'https://a' },
      'the claim "iss" is "https://c", which is not accepted',
    ],
    [
      'a wrong audience',
      bob({ aud: 'web' }),
      { audience: ['tv', 'tablet'] },
      'the claim "aud" is "web", which is not accepted',
    ],
    [
      'wrong audiences',
      bob({ aud: ['web', 'api'] }),
      { audience: 'tv' },
      'the claim "aud" is a list, which is not accepted',
    ],
    [
      'an audience that is a number',
      bob({ aud: 5 }),
      { audience: 'tv' },
      'the claim "aud" is a number, which is not accepted',
    ],
    ['no audience', bob(), { audience: 'tv' }, 'the claim "aud" is missing'],
    ['a missing claim', jwt({ sub: 'bob' }), { requiredClaims: ['exp'] }, 'the claim "exp" is missing'],
    ['an end', bob({ exp: START_SEC - 1 }), {}, 'the claim "exp" passed at 2025-12-31T23:59:59.000Z'],
    ['an end in another age', bob({ exp: -2e12 }), {}, 'the claim "exp" is a number, which is not accepted'],
    ['a beginning', bob({ nbf: START_SEC + 5 }), {}, 'the claim "nbf" comes at 2026-01-01T00:00:05.000Z'],
    ['other streams', bob({ streams: 'cam2' }), {}, 'the claim "streams" does not name this stream'],
    ['other addresses', bob({ ip: '10.0.0.0/8' }), {}, 'the claim "ip" does not name this address'],
    ['other kinds', bob({ kinds: ['input'] }), {}, 'the claim "kinds" does not name viewer'],
    [
      'a claim by another name',
      bob({ channels: null }),
      { claims: { streams: 'channels' } },
      'the claim "channels" is null, not a stream or pattern, or a list of them',
    ],
  ])('is in the denial: %s', async (_, token, options, expected) => {
    expect(await told(token, options)).toBe(expected);
  });

  it('shows little of text from outside', async () => {
    const detail = await told(bob({ iss: `\n${'x'.repeat(2_000)}` }), { issuer: 'https://a' });
    expect(detail).toMatch(/^the claim "iss" is "\\nx{63}…", which is not accepted$/);
  });
});

it.each([
  ['an IPv4 address as IPv6', '::ffff:203.0.113.7'],
  ['an IPv4 block as IPv6', '::ffff:203.0.113.0/120'],
  ['one of several', ['2001:db8::/32', '203.0.113.7']],
])('jwtPolicy reads %s in the claim ip', async (_, ip) => {
  sessionOf(await ask(setup().tracker, { token: bob({ ip }) }));
  denialOf(await ask(setup().tracker, { token: bob({ ip }), ip: '198.51.100.1' }));
});

it('the claim iat counts: a denial of older credentials refuses the token, and a new one gets in', async () => {
  const { tracker } = setup();
  const issuedBefore = START_SEC * 1_000;
  tracker.deny({ user: 'bob', issuedBefore });
  for (const claims of [{ iat: START_SEC - 1 }, { iat: START_SEC }, {}])
    expect(denialOf(await ask(tracker, { token: bob(claims) })).target).toMatchObject({ user: 'bob', issuedBefore });
  expect(sessionOf(await ask(tracker, { token: bob({ iat: START_SEC + 1 }) }))).toMatchObject({ userId: 'bob' });
});
