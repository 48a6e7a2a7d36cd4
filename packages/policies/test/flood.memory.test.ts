import { createServer, type Server } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import {
  allowDeny,
  concurrencyPolicy,
  httpAuthorizer,
  jwtPolicy,
  signedUrlPolicy,
  signToken,
} from '@stream-sessions/policies';
import { heldBytes } from '@stream-sessions/core/testing';
import type { Candidate, Credentials, PlaySession, Policy, TrackerView, Verdict } from '@stream-sessions/core';
import { jwt, SECRET, START_SEC } from './support/jwt.js';

/** What a policy may keep of one viewer. A slice of its request would be several times as much. */
const MOST_BYTES = 2_500;
const VIEWERS = 250;
const REQUEST_BYTES = 15_000;
const KEY = 'a key of sufficient length';
const view: TrackerView = {
  now: START_SEC * 1000,
  count: () => 0,
  list: () => [],
  rate: () => 0,
  activeAt: () => START_SEC * 1000,
};

/** A text as it is cut from a request: as long as it lives, all of the request does. */
function cut(text: string): string {
  const request = Buffer.alloc(REQUEST_BYTES, 'r');
  request.write(text, 'latin1');
  return request.toString('latin1').slice(0, text.length);
}
let texts = 0;
const long = (length: number): string => String(texts++).padEnd(length, 'x');

/** A viewer that sends as much of everything as it may, none of it twice. */
function viewer(n: number, over: Partial<Candidate> = {}): Candidate {
  return {
    stream: cut(long(256)),
    protocol: cut(long(32)),
    ip: cut(`203.100.1${String(n).padStart(3, '0').slice(0, 2)}.1${String(n).padStart(3, '0').slice(-2)}`),
    userAgent: cut(long(2_048)),
    referer: cut(`https://${long(60)}.example/${long(2_000)}`),
    query: cut(long(8_000)),
    url: cut(long(8_000)),
    sid: cut(long(256)),
    playerSessionId: cut(long(256)),
    token: cut(long(4_096)),
    userId: cut(long(256)),
    country: 'NL',
    ...over,
  };
}
const session = (n: number): PlaySession => ({ id: `session-${n}` }) as PlaySession;

/** Bytes that are kept for each of so many viewers whom the policy heard of. */
async function bytesPerViewer(policy: Policy, meet: (n: number) => Promise<void>): Promise<number> {
  for (let n = 0; n < 50; n++) await meet(n);
  const before = heldBytes();
  for (let n = 50; n < 50 + VIEWERS; n++) await meet(n);
  const bytes = (heldBytes() - before) / VIEWERS;
  expect(policy.name).not.toBe('');
  return bytes;
}

/** Asked, let in (or refused), and watching on. */
const meeting =
  (policy: Policy, of: (n: number) => Candidate, end: 'stays' | 'is refused' | 'comes to nothing') =>
  async (n: number): Promise<void> => {
    const candidate = of(n);
    const verdict = (await policy.admit?.(candidate, view)) as Verdict;
    expect(verdict.allow).toBe(end !== 'is refused');
    if (verdict.allow) policy.settled?.(candidate, end === 'stays' ? session(n) : undefined);
  };

describe('a flood of viewers who send as much as they can', () => {
  let server: Server;
  let answer: object = { allow: true };
  beforeAll(async () => {
    // an answer with much in it that nobody wants
    server = createServer((_, res) => void res.end(JSON.stringify({ padding: long(30_000), ...answer })));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
  });
  afterAll(() => {
    server.close();
    server.closeAllConnections();
  });
  const url = () => `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  const bearer = (token: string): Credentials => ({ scheme: 'bearer', token });
  const token = (n: number) =>
    cut(jwt({ sub: `${n}-${long(200)}`, sid: long(200), exp: START_SEC + 60, pad: long(2_000) }));

  it.each<[string, () => Policy, (n: number) => Partial<Candidate>, 'stays' | 'is refused' | 'comes to nothing']>([
    ['concurrencyPolicy per token', () => concurrencyPolicy({ per: 'token', max: 1 }), () => ({}), 'stays'],
    [
      'concurrencyPolicy per token, of bearers',
      () => concurrencyPolicy({ per: 'token', max: 1 }),
      () => ({ credentials: bearer(cut(long(8_000))) }),
      'stays',
    ],
    ['concurrencyPolicy per user', () => concurrencyPolicy({ per: 'user', max: 1 }), () => ({}), 'stays'],
    ['concurrencyPolicy per address', () => concurrencyPolicy({ per: 'ip', max: 1 }), () => ({}), 'stays'],
    ['concurrencyPolicy per stream', () => concurrencyPolicy({ per: 'stream', max: 1 }), () => ({}), 'stays'],
    [
      'concurrencyPolicy that replaces',
      () => concurrencyPolicy({ per: 'token', max: 1, onExceed: 'replace-oldest' }),
      () => ({}),
      'stays',
    ],
    ['concurrencyPolicy that refuses', () => concurrencyPolicy({ per: 'token', max: 0 }), () => ({}), 'is refused'],
    ['jwtPolicy', () => jwtPolicy({ secret: SECRET }), (n) => ({ token: token(n) }), 'stays'],
    ['jwtPolicy, of bearers', () => jwtPolicy({ secret: SECRET }), (n) => ({ credentials: bearer(token(n)) }), 'stays'],
    ['jwtPolicy that refuses', () => jwtPolicy({ secret: `${SECRET}!` }), (n) => ({ token: token(n) }), 'is refused'],
    ['jwtPolicy, of what is none', () => jwtPolicy({ secret: SECRET }), () => ({}), 'is refused'],
    [
      'signedUrlPolicy',
      () => signedUrlPolicy({ keys: KEY }),
      (n) => {
        const stream = cut(long(256));
        const ip = `2001:db8:${n.toString(16)}::1`;
        return { stream, ip: cut(ip), token: cut(signToken({ key: KEY, stream, expiresAt: 2e12, ip })) };
      },
      'stays',
    ],
    ['httpAuthorizer', () => httpAuthorizer({ url: url() }), () => ({}), 'stays'],
    ['httpAuthorizer whose yes came to nothing', () => httpAuthorizer({ url: url() }), () => ({}), 'comes to nothing'],
    ['allowDeny', () => allowDeny({ deny: [{ userAgent: /curl/, referer: 'evil.example' }] }), () => ({}), 'stays'],
  ])('leaves little in %s', async (_, make, over, end) => {
    answer = { allow: true, user_id: long(60), tags: { plan: long(60) } };
    const policy = make();
    const bytes = await bytesPerViewer(
      policy,
      meeting(policy, (n) => viewer(n, over(n)), end),
    );

    expect(bytes).toBeLessThan(MOST_BYTES);
  });

  it('would be noticed: a policy that keeps a slice of the request', async () => {
    const kept: unknown[] = [];
    const policy: Policy = { name: 'careless', admit: ({ ip }) => (kept.push(ip), { allow: true }) };
    const bytes = await bytesPerViewer(policy, meeting(policy, viewer, 'stays'));
    expect(bytes).toBeGreaterThan(2 * MOST_BYTES);
    expect(kept.length).toBeGreaterThan(VIEWERS);
  });
});
