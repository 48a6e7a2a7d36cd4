import { generateKeyPairSync } from 'node:crypto';
import fc from 'fast-check';
import { concurrencyPolicy, jwtPolicy, signedUrlPolicy, signToken } from '@stream-sessions/policies';
import { tokenFromQuery, type HttpHit, type Policy } from '@stream-sessions/core';
import { credentialsOf } from '@stream-sessions/core/spi';
import { jwt, SECRET, signedBy, START_SEC } from './support/jwt.js';
import { ask, denialOf, live, sessionOf, stopAll, world } from './support/make.js';

afterEach(stopAll);

/** One credential, many texts: a token that can be respelled is another one to whatever goes by its text. */
const KEY = 'a key of sufficient length';
const claims = { sub: 'bob', exp: START_SEC + 600 };
const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
const ec = (['P-256', 'P-384', 'P-521'] as const).map((namedCurve) => generateKeyPairSync('ec', { namedCurve }));
const ed = generateKeyPairSync('ed25519');
const pem = (publicKey: (typeof rsa)['publicKey']) => publicKey.export({ type: 'spki', format: 'pem' }).toString();

const KINDS: [string, () => Policy, () => string][] = [
  [
    'a signed URL',
    () => signedUrlPolicy({ keys: KEY }),
    () => signToken({ key: KEY, stream: 'cam1', expiresAt: 2e12 }),
  ],
  [
    'a signed URL for one address',
    () => signedUrlPolicy({ keys: KEY }),
    () => signToken({ key: KEY, stream: 'cam1', expiresAt: 2e12, ip: '203.0.113.7' }),
  ],
  ['a JWT (HS256)', () => jwtPolicy({ secret: SECRET }), () => jwt(claims)],
  ...(
    [
      ['RS256', rsa],
      ['PS256', rsa],
      ['ES256', ec[0]!],
      ['ES384', ec[1]!],
      ['ES512', ec[2]!],
      ['EdDSA', ed],
    ] as const
  ).map(([alg, { publicKey, privateKey }]): [string, () => Policy, () => string] => [
    `a JWT (${alg})`,
    () => jwtPolicy({ publicKey: pem(publicKey) }),
    () => signedBy(privateKey, alg, claims),
  ]),
];

const BASE64URL = [...'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'];
const blank = fc.constantFrom(
  ' ',
  '\t',
  '\n',
  '\r\n',
  '\0',
  '\u00a0',
  '\u200b',
  '=',
  '==',
  '.',
  '/',
  '+',
  '0',
  'A',
  '%20',
);

/** What a stranger can do to a text without knowing what it says: put in, leave out, change, double, recase. */
const respelt = (text: string): fc.Arbitrary<string> => {
  const at = fc.nat(text.length);
  const replace = (i: number, length: number, by: string) => text.slice(0, i) + by + text.slice(i + length);
  return fc.oneof(
    fc.tuple(at, blank).map(([i, added]) => replace(i, 0, added)),
    fc.tuple(at, fc.constantFrom(...BASE64URL)).map(([i, letter]) => replace(i, 1, letter)),
    // the last letter of a part: some of its bits say nothing
    fc.constantFrom(...BASE64URL).map((letter) => replace(text.length - 1, 1, letter)),
    fc
      .tuple(fc.constantFrom(...dots(text)), fc.constantFrom(...BASE64URL))
      .map(([i, letter]) => replace(i - 1, 1, letter)),
    at.map((i) => replace(i, 1, (text[i] ?? '').toUpperCase())),
    at.map((i) => replace(i, 1, (text[i] ?? '').toLowerCase())),
    at.map((i) => replace(i, 1, '')),
    fc.constantFrom(...dots(text)).map((i) => replace(i, 1, '..')),
    fc.integer({ min: 1, max: 9 }).map((zeros) => '0'.repeat(zeros) + text),
    fc.constant(text.replaceAll('-', '+').replaceAll('_', '/')),
    fc
      .constantFrom('', '=')
      .map((padding) => Buffer.from(text.slice(text.lastIndexOf('.') + 1), 'base64url').toString('base64') + padding)
      .map((tail) => text.slice(0, text.lastIndexOf('.') + 1) + tail),
  );
};
const dots = (text: string): number[] => [...text.matchAll(/\./g)].map(({ index }) => index);

/** The other ECDSA signature of the same token, which needs no key: (r, n - s). */
function mirrored(token: string): string {
  const at = token.lastIndexOf('.') + 1;
  const bytes = Buffer.from(token.slice(at), 'base64url');
  const half = bytes.length / 2;
  const order = ORDERS[half] as bigint;
  const s = BigInt(`0x${bytes.subarray(half).toString('hex')}`);
  const other = Buffer.from((order - s).toString(16).padStart(half * 2, '0'), 'hex');
  return token.slice(0, at) + Buffer.concat([bytes.subarray(0, half), other]).toString('base64url');
}
/** By the bytes of half a signature: FIPS 186-4, D.1.2. */
const ORDERS: Record<number, bigint> = {
  32: 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n,
  48: 0xffffffffffffffffffffffffffffffffffffffffffffffffc7634d81f4372ddf581a0db248b0a77aecec196accc52973n,
  66: 0x01fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffa51868783bf2f966b7fcc0148f709a5d03bb5c9b8899c47aebb6fb71e91386409n,
};

/** The ways a token comes. */
const WAYS: [string, (text: string) => Partial<HttpHit>][] = [
  ['as the token', (token) => ({ token })],
  ['in a query', (token) => ({ token: tokenFromQuery(`token=${token}`), query: `token=${token}` })],
  ['as a bearer', (token) => ({ credentials: credentialsOf(`Bearer ${token}`) })],
];

describe.each(KINDS)('%s', (what, policy, make) => {
  it.each(WAYS.filter(([way]) => what.startsWith('a JWT') || way !== 'as a bearer'))(
    'has only one valid spelling, %s',
    async (_, given) => {
      const { tracker } = world([policy()]);
      const text = make();
      sessionOf(await ask(tracker, given(text)));
      await fc.assert(
        fc.asyncProperty(respelt(text), async (other) => {
          fc.pre(other !== text);
          const hit = given(other);
          // what was made one text of where it was read is not another spelling to anybody
          fc.pre((hit.token ?? (hit.credentials as { token?: string } | undefined)?.token) !== text);
          expect((await ask(tracker, { ...hit, ip: '203.0.113.7' })).admitted).toBe(false);
        }),
        { numRuns: 200 },
      );
      expect(live(tracker)).toHaveLength(1);
    },
  );
});

describe.each(KINDS.filter(([what]) => /ES\d/.test(what)))('%s', (_, policy, make) => {
  it('is refused with the other signature that anyone can derive from it, whichever came first', async () => {
    for (const order of [(pair: string[]) => pair, (pair: string[]) => pair.reverse()]) {
      const { tracker } = world([policy(), concurrencyPolicy({ per: 'token', max: 1 })]);
      const token = make();
      const [first = '', second = ''] = order([token, mirrored(token)]);
      sessionOf(await ask(tracker, { token: first }));
      expect(denialOf(await ask(tracker, { token: second }))).toMatchObject({ kind: 'credentials' });
      sessionOf(await ask(tracker, { token: first }));
      expect(live(tracker)).toHaveLength(1);
    }
  });

  it('admits only one of the two when they race', async () => {
    const { tracker } = world([policy()]);
    const token = make();
    const answers = await Promise.all([token, mirrored(token)].map((text) => ask(tracker, { token: text })));
    expect(answers.filter(({ admitted }) => admitted)).toHaveLength(1);
  });
});

it('a bearer token is one and the same however the header is written', async () => {
  const { tracker } = world([jwtPolicy({ secret: SECRET })]);
  const token = jwt(claims);
  const { id } = sessionOf(await ask(tracker, { credentials: credentialsOf(`Bearer ${token}`) }));
  for (const header of [`bearer ${token}`, `BEARER    ${token}`, `Bearer ${token}  `]) {
    expect(sessionOf(await ask(tracker, { credentials: credentialsOf(header) })).id).toBe(id);
  }
});
