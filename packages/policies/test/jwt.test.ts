import { generateKeyPairSync } from 'node:crypto';
import { copyFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import fc from 'fast-check';
import * as jose from 'jose';
import { concurrencyPolicy, jwtPolicy, type JwtPolicyOptions } from '@stream-sessions/policies';
import { fileState, type TrackerOptions } from '@stream-sessions/core';
import { jwt, part, SECRET, signedBy, START_SEC } from './support/jwt.js';
import { ask, connect, denialOf, live, sessionOf, stopAll, world } from './support/make.js';

const MINUTE = 60_000;

const setup = (over: Partial<JwtPolicyOptions> = {}, options: TrackerOptions = {}) => {
  const keys = 'publicKey' in over || 'jwks' in over ? {} : { secret: SECRET };
  return world([jwtPolicy({ ...keys, ...over })], { idleTimeoutMs: 60 * MINUTE, ...options });
};
const PRIVATE = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;
const SHORT = generateKeyPairSync('rsa', { modulusLength: 1024 }).publicKey;
const bob = (over: object = {}) => jwt({ sub: 'bob', exp: START_SEC + 600, ...over });
afterEach(stopAll);

describe('jwtPolicy', () => {
  it('admits a viewer with a token, names the user, and ends the session at exp', async () => {
    const { tracker, clock } = setup();
    const session = sessionOf(await ask(tracker, { token: bob({ tags: { plan: 'gold' } }) }));
    expect(session).toMatchObject({ userId: 'bob', userName: 'bob', tags: { plan: 'gold' }, namedBy: 'token' });
    expect(tracker.explain(session.id)?.expiresAt).toBe((START_SEC + 600) * 1000);
    clock.advance(601_000);
    expect(tracker.get(session.id)?.closeReason).toBe('expired');
    expect(denialOf(await ask(tracker, { token: bob() }))).toMatchObject({ reason: 'expired', kind: 'credentials' });
  });

  it('accepts a bearer token as well, on requests and connections', async () => {
    const { tracker } = setup();
    const credentials = { scheme: 'bearer' as const, token: bob() };
    sessionOf(await ask(tracker, { credentials }));
    sessionOf(await ask(tracker, { credentials, token: 'only a name', ip: '203.0.113.8' }));
    sessionOf(await connect(tracker, { token: bob() }));
    expect(live(tracker).map(({ userId }) => userId)).toEqual(['bob', 'bob', 'bob']);
  });

  it.each<[string, () => string | undefined, string]>([
    ['no token', () => undefined, 'credentials'],
    ['another secret', () => jwt({ sub: 'bob' }, { secret: `${SECRET}!` }), 'credentials'],
    ['no signature', () => bob().replace(/[^.]*$/, ''), 'credentials'],
    ['alg none', () => `${part({ alg: 'none' })}.${part({ sub: 'bob' })}.`, 'credentials'],
    ['another algorithm', () => jwt({ sub: 'bob' }, { header: { alg: 'RS256' } }), 'credentials'],
    [
      'a critical header that nobody knows',
      () => jwt({ sub: 'bob' }, { header: { crit: ['x'], x: 1 } }),
      'credentials',
    ],
    ['an end that is not a number', () => bob({ exp: 'tomorrow' }), 'credentials'],
    ['an end that has passed', () => bob({ exp: START_SEC - 1 }), 'credentials'],
    ['a beginning that has not come', () => bob({ nbf: START_SEC + 5 }), 'credentials'],
    ['other streams', () => bob({ streams: ['cam2', 'news/*'] }), 'forbidden'],
    ['no streams', () => bob({ streams: [] }), 'forbidden'],
    ['streams that are none', () => bob({ streams: { cam1: true } }), 'credentials'],
    ['other addresses', () => bob({ ip: ['198.51.100.0/24', '2001:db8::1'] }), 'forbidden'],
    ['addresses that are none', () => bob({ ip: 'home' }), 'credentials'],
    ['tags that are none', () => bob({ tags: { plan: 5 } }), 'credentials'],
    ['a user that is none', () => bob({ sub: 5 }), 'credentials'],
    ['other kinds', () => bob({ kinds: ['input'] }), 'forbidden'],
  ])('refuses a token with %s, even to join a live session', async (_, make, kind) => {
    for (const recipe of [
      ['stream', 'ip', 'token'],
      ['stream', 'ip'],
    ] as const) {
      const { tracker, log } = setup({}, { identity: { viewer: recipe } });
      sessionOf(await ask(tracker, { token: bob() }));
      const token = make();
      const denial = denialOf(await ask(tracker, { token }));
      expect(denial.kind).toBe(kind);
      expect(live(tracker)).toHaveLength(1);
      sessionOf(await ask(tracker, { token: bob() }));
      if (token !== undefined)
        expect(JSON.stringify([log, denial, tracker.list(), tracker.explain(live(tracker)[0]!.id)])).not.toContain(
          token,
        );
    }
  });

  it.each<[string, object]>([
    ['a stream', { streams: 'cam1' }],
    ['a pattern', { streams: ['x', 'c*m*1'] }],
    ['every stream', { streams: '*' }],
    ['its address', { ip: '203.0.113.7' }],
    ['its block', { ip: ['10.0.0.0/8', '203.0.113.0/24'] }],
    ['its kind', { kinds: ['viewer', 'input'] }],
    ['a beginning that has come', { nbf: START_SEC }],
  ])('accepts a token for %s', async (_, claims) => {
    sessionOf(await ask(setup().tracker, { token: bob(claims) }));
  });

  it('admits a token at nbf that it refused as too early', async () => {
    const { tracker, clock } = setup();
    denialOf(await ask(tracker, { token: bob({ nbf: START_SEC + 5 }) }));
    clock.advance(5_000);
    sessionOf(await ask(tracker, { token: bob({ nbf: START_SEC + 5 }) }));
    const tolerant = setup({ clockToleranceMs: 5_000 });
    sessionOf(await ask(tolerant.tracker, { token: bob({ nbf: START_SEC + 5 }) }));
  });

  it('checks issuer, audience and required claims when told to, and can read claims under other names', async () => {
    const { tracker } = setup({
      issuer: ['https://a', 'https://b'],
      audience: 'tv',
      requiredClaims: ['exp'],
      claims: { user: 'name', maxSessions: 'screens' },
    });
    const good = { iss: 'https://b', aud: ['tv', 'web'], exp: START_SEC + 60, name: 'ann' };
    expect(sessionOf(await ask(tracker, { token: jwt(good) })).userId).toBe('ann');
    for (const wrong of [{ iss: 'https://c' }, { aud: 'web' }, { exp: undefined }]) {
      denialOf(await ask(tracker, { token: jwt({ ...good, ...wrong }) }));
    }
  });

  it('requires of publishers a token that allows publishing, and no token for pushes of the server', async () => {
    const { tracker } = setup();
    denialOf(await connect(tracker, { kind: 'input', token: bob() }));
    sessionOf(await connect(tracker, { kind: 'input', token: bob({ kinds: ['input'] }) }));
    sessionOf(await connect(tracker, { kind: 'output' }));
    sessionOf(await connect(setup({ kinds: ['viewer'] }).tracker, { kind: 'input' }));
  });

  it('verifies a token once, however many viewers bring it and however often', async () => {
    const verify = jest.spyOn(globalThis.crypto.subtle, 'verify');
    const { tracker } = setup({ remember: 2 });
    await Promise.all(['1', '2', '3'].map((n) => ask(tracker, { token: bob(), ip: `203.0.113.${n}` })));
    expect(verify).toHaveBeenCalledTimes(1);
    // at once now, without a promise
    expect('then' in tracker.admit({ stream: 'cam1', protocol: 'hls', ip: '203.0.113.9', token: bob() })).toBe(false);
    for (const sub of ['a', 'b', 'c']) await ask(tracker, { token: bob({ sub }) });
    expect(verify).toHaveBeenCalledTimes(4);
    // of more than it remembers, the first is forgotten
    await ask(tracker, { token: bob(), ip: '203.0.113.77' });
    expect(verify).toHaveBeenCalledTimes(5);
    await tracker.reauthorize({ session: live(tracker)[0]!.id });
    expect(verify).toHaveBeenCalledTimes(6);
  });

  it.each<[string, Partial<JwtPolicyOptions> & object]>([
    ['two keys', { secret: SECRET, publicKey: 'x' }],
    ['no key', { secret: undefined }],
    ['a short secret', { secret: 'short' }],
    ['a PEM that is none', { secret: undefined, publicKey: 'x' }],
    ['a JWKS that is none', { secret: undefined, jwks: { keys: [] } }],
    ['a JWKS of a strange place', { secret: undefined, jwks: 'file:///etc/passwd' }],
    ['a JWKS behind a password, which no fetch would send', { secret: undefined, jwks: 'https://me:pass@h/jwks' }],
    ['a JWKS of shared secrets', { secret: undefined, jwks: { keys: [{ kty: 'oct', k: 'c2VjcmV0' }] } }],
    ['a JWKS of private keys', { secret: undefined, jwks: { keys: [PRIVATE.export({ format: 'jwk' })] } }],
    ['a JWKS of keys that are too short', { secret: undefined, jwks: { keys: [SHORT.export({ format: 'jwk' })] } }],
    [
      'a key that is too short',
      { secret: undefined, publicKey: SHORT.export({ type: 'spki', format: 'pem' }).toString() },
    ],
    ['no algorithms', { algorithms: [] }],
    ['algorithms that do not fit the key', { algorithms: ['HS256', 'RS256'] }],
    ['HS256 for a JWKS', { secret: undefined, jwks: 'https://h/jwks', algorithms: ['HS256'] }],
    ['the algorithm "none"', { algorithms: ['none'] }],
    ['algorithms that are not a list', { algorithms: 'HS256' as never }],
    ['required claims that are not a list', { requiredClaims: 'exp' as never }],
    ['no issuer', { issuer: '' }],
    ['no audiences', { audience: [] }],
    ['an issuer that is none', { issuer: 5 as never }],
    ['nobody it is about', { kinds: [] }],
    ['an unknown claim name', { claims: { usr: 'x' } as object }],
    ['a claim name that is none', { claims: { streams: '' } }],
    ['an unknown option', { secrets: 'x' } as object],
  ])('cannot be created with %s', (_, options) => {
    const make = () => jwtPolicy({ secret: SECRET, ...options });
    expect(make).toThrow(expect.objectContaining({ code: 'ERR_BAD_OPTION' }));
    expect(make).not.toThrow(/pass@|secret of/);
  });

  it('reads a claim by its usual name if no other is set, because an unread claim restricts nothing', async () => {
    const { tracker } = setup({ claims: { streams: undefined as never } });
    expect(denialOf(await ask(tracker, { token: bob({ streams: ['cam2'] }) })).kind).toBe('forbidden');
  });

  it('never crashes, and never admits anybody by anything but a token', async () => {
    const { tracker } = setup();
    const [head = '', body = '', tail = ''] = bob().split('.');
    const json = fc.json().map((text) => Buffer.from(text).toString('base64url'));
    const piece = fc.oneof(json, fc.string({ unit: 'binary' }), fc.constantFrom(head, body, tail, '', '=', '.'));
    await fc.assert(
      fc.asyncProperty(fc.tuple(piece, piece, piece), async (pieces) => {
        const token = pieces.join('.');
        fc.pre(token !== bob());
        expect((await ask(tracker, { token })).admitted).toBe(false);
      }),
      { numRuns: 300 },
    );
  });

  it('reads claims of whatever kind without a crash', async () => {
    const { tracker } = setup();
    const names = ['sub', 'streams', 'tags', 'ip', 'kinds', 'max_sessions', 'exp', 'nbf', 'sid', 'jti'];
    await fc.assert(
      fc.asyncProperty(fc.dictionary(fc.constantFrom(...names), fc.jsonValue()), async (claims) => {
        const answer = await ask(tracker, { token: jwt(claims) });
        if (!answer.admitted) expect(answer.denial.reason).not.toBe('policy_error');
      }),
      { numRuns: 300 },
    );
  });
});

describe('a renewed JWT', () => {
  const max1 = (over: TrackerOptions = {}) =>
    world([jwtPolicy({ secret: SECRET }), concurrencyPolicy({ max: 1 })], { idleTimeoutMs: 60 * MINUTE, ...over });

  it.each<[string, object, object, object]>([
    ['same user, address and player', {}, {}, {}],
    [
      'same sid from another address with another player',
      { sid: 's' },
      { sid: 's' },
      { ip: '198.51.100.1', userAgent: 'x' },
    ],
    ['same jti', { jti: 'j' }, { jti: 'j' }, { ip: '198.51.100.1' }],
  ])('continues the live session: no second slot, no new row, a new end (%s)', async (_, before, after, over) => {
    const { tracker, clock } = max1();
    const first = sessionOf(await ask(tracker, { token: bob(before) }));
    clock.advance(5 * MINUTE);
    const renewed = sessionOf(await ask(tracker, { token: bob({ ...after, exp: START_SEC + 1200 }), ...over }));
    expect([renewed.id, renewed.openedAt]).toEqual([first.id, first.openedAt]);
    expect(tracker.explain(first.id)?.expiresAt).toBe((START_SEC + 1200) * 1000);
    expect(tracker.stats()).toMatchObject({ active: 1, openedTotal: 1 });
    clock.advance(6 * MINUTE);
    expect(live(tracker)).toHaveLength(1);
    denialOf(await ask(tracker, { token: bob(before) }));
    sessionOf(await ask(tracker, { token: bob({ ...after, exp: START_SEC + 1200 }), ...over }));
  });

  it.each<[string, object, object, object]>([
    ['another user', {}, { sub: 'ann' }, {}],
    ['another stream', {}, {}, { stream: 'cam2' }],
    ['another address', {}, {}, { ip: '198.51.100.1' }],
    ['another player', {}, {}, { userAgent: 'other' }],
    ['another network', {}, {}, { ip: '2001:db8:0:2::1' }],
    ['another sid', { sid: 'phone' }, { sid: 'tv' }, {}],
  ])('of %s is a different viewer', async (_, before, after, over) => {
    const { tracker } = setup();
    await ask(tracker, { token: bob(before) });
    await ask(tracker, { token: bob({ exp: START_SEC + 1200, ...after }), ...over });
    expect(live(tracker)).toHaveLength(2);
  });

  it.each([{ jti: 'j' }, { sid: 's' }, { sid: 's', exp: undefined }])(
    'is not one token shared by several addresses: each takes a slot (%j)',
    async (claims) => {
      const { tracker } = max1();
      const token = bob(claims);
      sessionOf(await ask(tracker, { token, ip: '203.0.113.1' }));
      expect(denialOf(await ask(tracker, { token, ip: '203.0.113.2' })).kind).toBe('limit');
      expect(denialOf(await ask(tracker, { token, ip: '203.0.113.3', userAgent: 'x' })).kind).toBe('limit');
    },
  );

  it('continues the visit of an earlier process, although it has not been seen there', async () => {
    const folder = mkdtempSync(path.join(tmpdir(), 'state-'));
    const { tracker: before } = setup({}, { state: fileState(path.join(folder, 'a')), fingerprintKey: 'k' });
    await before.ready;
    const first = sessionOf(await ask(before, { token: bob() }));
    sessionOf(await ask(before, { token: jwt({ sub: 'eve', exp: START_SEC + 600 }) }));
    await before.saved();
    copyFileSync(path.join(folder, 'a'), path.join(folder, 'b'));
    const { tracker } = setup({}, { state: fileState(path.join(folder, 'b')), fingerprintKey: 'k' });
    await tracker.ready;
    const renewed = sessionOf(await ask(tracker, { token: bob({ exp: START_SEC + 1200 }) }));
    expect([renewed.id, renewed.openedAt]).toEqual([first.id, first.openedAt]);
    await stopAll();
    rmSync(folder, { recursive: true, force: true });
  });

  it('continues at another address of the same IPv6 network: hosts change theirs every day', async () => {
    const { tracker } = max1();
    const first = sessionOf(await ask(tracker, { token: bob(), ip: '2001:db8::1' }));
    const renewed = await ask(tracker, { token: bob({ exp: START_SEC + 1200 }), ip: '2001:db8::2' });
    expect(sessionOf(renewed).id).toBe(first.id);
  });

  it('moves the slot to another address: the earlier token no longer plays where it was left', async () => {
    const { tracker, clock } = max1();
    const [before, after] = [bob({ sid: 's' }), bob({ sid: 's', exp: START_SEC + 1200 })];
    const first = sessionOf(await ask(tracker, { token: before }));
    clock.advance(5 * MINUTE);
    expect(sessionOf(await ask(tracker, { token: after, ip: '198.51.100.1' })).id).toBe(first.id);
    expect(denialOf(await ask(tracker, { token: before })).kind).toBe('limit');
    expect(sessionOf(await ask(tracker, { token: before, ip: '198.51.100.1' })).id).toBe(first.id);
    expect(denialOf(await ask(tracker, { token: after, ip: '198.51.100.2' })).kind).toBe('limit');
  });

  it('keeps the session going if it comes as a bearer token', async () => {
    const { tracker, clock } = max1();
    const with_ = (claims: object) => ({ credentials: { scheme: 'bearer' as const, token: bob(claims) } });
    const { id } = sessionOf(await ask(tracker, with_({})));
    clock.advance(5 * MINUTE);
    expect(sessionOf(await ask(tracker, with_({ exp: START_SEC + 1200 }))).id).toBe(id);
    clock.advance(6 * MINUTE);
    expect(live(tracker)).toHaveLength(1);
    denialOf(await ask(tracker, with_({})));
    denialOf(await ask(tracker, {}));
  });

  it('opens a new session if the old one has ended', async () => {
    const { tracker, clock } = max1();
    const first = sessionOf(await ask(tracker, { token: bob() }));
    clock.advance(11 * MINUTE);
    const second = sessionOf(await ask(tracker, { token: bob({ exp: START_SEC + 1200 }) }));
    expect([tracker.get(first.id)?.closeReason, second.openedAt > first.openedAt]).toEqual(['expired', true]);
  });
});

describe('the keys of jwtPolicy', () => {
  const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const ed = generateKeyPairSync('ed25519');
  const claims = { sub: 'bob', exp: START_SEC + 600 };

  it.each([
    ['RS256', rsa],
    ['ES256', ec],
    ['EdDSA', ed],
  ] as const)('may be a PEM: %s', async (alg, { publicKey, privateKey }) => {
    const pem = publicKey.export({ type: 'spki', format: 'pem' }).toString();
    const { tracker } = setup({ publicKey: pem });
    sessionOf(await ask(tracker, { token: signedBy(privateKey, alg, claims) }));
    // the oldest trick: the public key as a shared secret
    denialOf(await ask(tracker, { token: jwt(claims, { secret: pem }) }));
  });

  it('may be a JWK set', async () => {
    const set = {
      keys: [
        { ...rsa.publicKey.export({ format: 'jwk' }), kid: '1' },
        { ...ec.publicKey.export({ format: 'jwk' }), kid: '2' },
      ],
    };
    const { tracker } = setup({ jwks: set });
    sessionOf(await ask(tracker, { token: signedBy(ec.privateKey, 'ES256', claims, '2') }));
    denialOf(await ask(tracker, { token: signedBy(ec.privateKey, 'ES256', claims, '1') }));
    denialOf(await ask(tracker, { token: signedBy(ed.privateKey, 'EdDSA', claims, '3') }));
  });
});

it('jwtPolicy accepts what jose signs', async () => {
  const token = await new jose.SignJWT({ streams: ['cam1'] })
    .setProtectedHeader({ alg: 'HS512' })
    .setSubject('bob')
    .setExpirationTime(START_SEC + 60)
    .sign(Buffer.from(SECRET));
  expect(sessionOf(await ask(setup().tracker, { token })).userId).toBe('bob');
});
