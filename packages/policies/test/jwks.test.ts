import { generateKeyPairSync, type KeyPairKeyObjectResult } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { jwtPolicy } from '@stream-sessions/policies';
import { signedBy, START_SEC } from './support/jwt.js';
import { ask, denialOf, live, sessionOf, stopAll, world } from './support/make.js';

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const pair = () => generateKeyPairSync('ec', { namedCurve: 'P-256' });
const [first, second, third] = [pair(), pair(), pair()];

/** A set as its server gives it: the place in the list is the key id. */
const setOf = (pairs: Record<string, KeyPairKeyObjectResult>) =>
  JSON.stringify({
    keys: Object.entries(pairs).map(([kid, { publicKey }]) => ({ ...publicKey.export({ format: 'jwk' }), kid })),
  });

let server: Server;
let port = 0;
let answer: { status: number; body: string };
let fetched: number;

beforeEach(async () => {
  fetched = 0;
  answer = { status: 200, body: setOf({ 1: first }) };
  server = createServer((_, res) => {
    fetched++;
    res.writeHead(answer.status, { 'content-type': 'application/json' }).end(answer.body);
  });
  await comeBack(0);
});
afterEach(async () => {
  await stopAll();
  await goDown();
});

async function comeBack(at = port): Promise<void> {
  server.listen(at, '127.0.0.1');
  await once(server, 'listening');
  ({ port } = server.address() as AddressInfo);
}
async function goDown(): Promise<void> {
  if (!server.listening) return;
  server.close();
  server.closeAllConnections();
  await once(server, 'close');
}

const setup = (path = '/jwks?key=secret') =>
  world([jwtPolicy({ jwks: `http://127.0.0.1:${port}${path}` })], { idleTimeoutMs: 240 * MINUTE });
const token = ({ privateKey }: KeyPairKeyObjectResult, kid: string | undefined, sub = 'bob', over = {}) =>
  signedBy(privateKey, 'ES256', { sub, exp: START_SEC + 86_400, ...over }, kid);

describe('the fetched keys of jwtPolicy', () => {
  it('are fetched once for all viewers that need them', async () => {
    const { tracker } = setup();
    await Promise.all(['a', 'b'].map(async (sub) => sessionOf(await ask(tracker, { token: token(first, '1', sub) }))));
    sessionOf(await ask(tracker, { token: token(first, '1', 'c') }));
    expect(fetched).toBe(1);
  });

  it('are fetched again for an unknown key: rotation is noticed with the first viewer', async () => {
    const { tracker, clock } = setup();
    sessionOf(await ask(tracker, { token: token(first, '1') }));
    answer.body = setOf({ 1: first, 2: second });
    clock.advance(30 * SECOND);
    sessionOf(await ask(tracker, { token: token(second, '2', 'ann') }));
    sessionOf(await ask(tracker, { token: token(first, '1', 'eve') }));
    expect(fetched).toBe(2);
  });

  it('make a token with an unknown key wait, if they were just fetched, until they may be fetched again', async () => {
    const { tracker, clock } = setup();
    const { id } = sessionOf(await ask(tracker, { token: token(first, '1') }));
    answer.body = setOf({ 2: second });
    clock.advance(10 * SECOND);
    // a newcomer, and a viewer who is in and renews
    for (const sub of ['ann', 'bob']) {
      const denial = denialOf(await ask(tracker, { token: token(second, '2', sub) }));
      expect(denial).toMatchObject({ kind: 'overload', detail: expect.stringContaining('its key is not known yet') });
      expect(denial.until).toBe(clock.now() + 20 * SECOND);
    }
    // viewers that are in play on with the token they have
    sessionOf(await ask(tracker, { token: token(first, '1') }));
    expect(fetched).toBe(1);
    clock.advance(20 * SECOND);
    expect(sessionOf(await ask(tracker, { token: token(second, '2') })).id).toBe(id);
    sessionOf(await ask(tracker, { token: token(second, '2', 'ann') }));
    expect(fetched).toBe(2);
  });

  it('are fetched again at most every half minute, whatever keys tokens name', async () => {
    const { tracker, clock } = setup();
    for (let n = 0; n < 100; n++) {
      const denial = denialOf(await ask(tracker, { token: token(third, `x${n}`), ip: `198.51.100.${n}` }));
      expect(denial.until).toBeLessThanOrEqual(clock.now() + 30 * SECOND);
      clock.advance(SECOND);
    }
    expect(fetched).toBe(4);
  });

  it('make a token whose key is not among them a refusal, until the next fetch', async () => {
    const { tracker, clock } = setup();
    const denial = denialOf(await ask(tracker, { token: token(third, '3') }));
    expect(denial).toMatchObject({
      reason: 'unauthorized',
      kind: 'credentials',
      detail: 'the set of keys has none that fits the token',
      until: clock.now() + 30 * SECOND,
    });
    answer.body = setOf({ 3: third });
    clock.advance(30 * SECOND);
    sessionOf(await ask(tracker, { token: token(third, '3') }));
  });

  it('are fetched again after ten minutes: a key that is gone admits nobody then', async () => {
    const { tracker, clock } = setup();
    sessionOf(await ask(tracker, { token: token(first, '1') }));
    answer.body = setOf({ 2: second });
    clock.advance(10 * MINUTE);
    denialOf(await ask(tracker, { token: token(first, '1', 'eve') }));
    sessionOf(await ask(tracker, { token: token(second, '2', 'ann') }));
    expect(fetched).toBe(2);
    // asked about again, who came with it has to go
    expect(await tracker.reauthorize({ user: 'bob' })).toMatchObject({ closed: 1 });
  });

  it('may have no ids: then each that fits is tried', async () => {
    const keys = [first, second].map(({ publicKey }) => publicKey.export({ format: 'jwk' }));
    answer.body = JSON.stringify({ keys });
    const { tracker } = setup();
    sessionOf(await ask(tracker, { token: token(second, undefined) }));
    expect(denialOf(await ask(tracker, { token: token(third, undefined) })).detail).toBe(
      'the signature is of none of the keys in the set',
    );
    const given = world([jwtPolicy({ jwks: { keys } })]);
    sessionOf(await ask(given.tracker, { token: token(second, undefined) }));
  });
});

describe('a server of keys', () => {
  it.each<[string, () => void | Promise<void>, RegExp]>([
    ['down', goDown, /ECONNREFUSED/],
    ['failing', () => void (answer = { status: 500, body: '' }), /answered 500/],
    ['elsewhere', () => void (answer = { status: 302, body: '' }), /answered 302/],
    ['lying: a page', () => void (answer.body = '<html>'), /not JSON/],
    ['lying: no set', () => void (answer.body = '{}'), /malformed/],
    ['lying: a million keys', () => void (answer.body = `{"keys":[${'{},'.repeat(400_000)}{}]}`), /longer than/],
  ])('that is %s from the start refuses everybody for a moment, and nobody for longer', async (_, breakIt, why) => {
    const right = { ...answer };
    await breakIt();
    const { tracker, clock, log } = setup();
    for (const sub of ['a', 'b']) {
      const denial = denialOf(await ask(tracker, { token: token(first, '1', sub) }));
      expect(denial).toMatchObject({ reason: 'policy_error', kind: 'overload' });
    }
    // the first try is in the log, with its cause and without secrets; who comes within the second is told
    expect(log).toHaveLength(1);
    expect(log[0]).toMatch(why);
    expect(log[0]).not.toMatch(/key=secret|eyJ/);
    answer = right;
    if (!server.listening) await comeBack();
    clock.advance(SECOND);
    for (const sub of ['a', 'b']) sessionOf(await ask(tracker, { token: token(first, '1', sub) }));
  });

  it('that becomes unreachable refuses no viewer whose key is known, for an hour', async () => {
    const { tracker, clock } = setup();
    sessionOf(await ask(tracker, { token: token(first, '1') }));
    await goDown();
    clock.advance(59 * MINUTE);
    sessionOf(await ask(tracker, { token: token(first, '1', 'ann') }));
    expect(await tracker.invalidate()).toMatchObject({ kept: 2 });
    clock.advance(MINUTE);
    expect(denialOf(await ask(tracker, { token: token(first, '1', 'eve') }))).toMatchObject({ kind: 'overload' });
    expect(live(tracker)).toHaveLength(2);
  });

  it('that fails keeps nobody waiting whose key is known', async () => {
    const { tracker, clock } = setup();
    sessionOf(await ask(tracker, { token: token(first, '1') }));
    answer = { status: 503, body: '' };
    clock.advance(10 * MINUTE);
    for (let n = 0; n < 60; n++) {
      sessionOf(await ask(tracker, { token: token(first, '1', `viewer ${n}`), ip: `198.51.100.${n}` }));
      clock.advance(SECOND);
    }
    expect(fetched).toBe(1 + 2);
  });

  it('that is down when a new key comes causes no lasting refusal: the viewer gets in a second after it is back', async () => {
    const { tracker, clock } = setup();
    const { id } = sessionOf(await ask(tracker, { token: token(first, '1') }));
    answer.body = setOf({ 1: first, 2: second });
    await goDown();
    clock.advance(MINUTE);
    for (let n = 0; n < 3; n++) {
      const denial = denialOf(await ask(tracker, { token: token(second, '2') }));
      expect(denial.kind).toBe('overload');
      expect(denial.until).toBeLessThanOrEqual(clock.now() + SECOND);
    }
    await comeBack();
    clock.advance(SECOND);
    expect(sessionOf(await ask(tracker, { token: token(second, '2') })).id).toBe(id);
  });

  it('is asked again if the clock was set back', async () => {
    const policy = jwtPolicy({ jwks: `http://127.0.0.1:${port}/` });
    const late = world([policy]);
    late.clock.advance(100 * MINUTE);
    sessionOf(await ask(late.tracker, { token: token(first, '1') }));
    answer.body = setOf({ 2: second });
    sessionOf(await ask(world([policy]).tracker, { token: token(second, '2') }));
  });
});
