import { createServer } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { createTracker, toWire, type Candidate, type Policy, type SessionTracker } from '@stream-sessions/core';
import { httpAuthorizer } from '@stream-sessions/policies';
import { createSrtServer, type SrtServer, type SrtServerOptions } from '../src/index.js';
import { readRequest } from '../src/protocol/request.js';
import { Caller } from './support/caller.js';
import { until } from '../../../test/support/until.js';

/** Every secret has this in it, and every token that: an authoriser is told tokens, for it judges them. */
const SECRET = 'hush-hush';
const TOKEN = 'entrance';

const accessControl = (fields: Record<string, string>): string =>
  `#!::${Object.entries(fields)
    .map((pair) => pair.join('='))
    .join(',')}`;

const OFFERS = [
  accessControl({ r: 'live/cam1', m: 'publish', u: `${SECRET}-1`, pass: `${SECRET}-2`, t: `${TOKEN}-1` }),
  accessControl({ r: 'cam1', user: `${SECRET}-3`, password: `${SECRET}-4`, token: `${TOKEN}-2`, t: `${SECRET}-5` }),
  accessControl({ r: `cam1?token=${TOKEN}-3&pass=${SECRET}-6`, tkn: `${TOKEN}-4`, secret: `${SECRET}-7` }),
  accessControl({ r: 'cam1', u: `${SECRET}-8:${SECRET}-9`, bmd_key: `${SECRET}-10`, API_KEY: `${SECRET}-11` }),
  `live/cam1?token=${TOKEN}-5&u=${SECRET}-12&p=${SECRET}-13&t=${SECRET}-14&sig=${SECRET}-15`,
  `live/cam1?token=${TOKEN}-6&token=${TOKEN}-7&streamkey=${SECRET}-16&x=1;pass=${SECRET}-17`,
  `cam1?from=https%3A%2F%2Fexample.com%2F%3Fpassword%3D${SECRET}-18&jwt=${SECRET}-19#auth=${SECRET}-20`,
  `srt://${SECRET}-21:${SECRET}-22@example.com/live/cam1?tkn=${TOKEN}-8`,
  encodeURIComponent(accessControl({ r: 'live/cam1', u: `${SECRET}-23`, pass: `${SECRET}-24`, t: `${TOKEN}-9` })),
  `live%2Fcam1%3Fpasswd%3D${SECRET}-25%26token%3D${TOKEN}-10`,
];
/** Refused before anybody is asked. */
const NONSENSE = [
  accessControl({ u: `${SECRET}-30`, bmd_name: 'ATEM' }),
  accessControl({ r: 'cam1', m: 'bidirectional', pass: `${SECRET}-31` }),
  encodeURIComponent(encodeURIComponent(`#!::r=cam1,pass=${SECRET}-32`)),
  `${SECRET}-33:${SECRET}-34@cam1`,
];

const told: string[] = [];
const tell =
  (where: string) =>
  (...what: unknown[]): void =>
    void told.push(
      `${where}: ${what.map((each) => (each instanceof Error ? String(each.stack) : JSON.stringify(each))).join(' ')}`,
    );

let server: SrtServer;
let tracker: SessionTracker;
const callers: Caller[] = [];
const call = (streamId: string, passphrase?: string): Caller => {
  const caller = new Caller(server.port, streamId, { passphrase });
  callers.push(caller);
  return caller;
};

function start(policies: Policy[], options: Partial<SrtServerOptions> = {}): void {
  const logger = { debug: tell('log'), info: tell('log'), warn: tell('log'), error: tell('log') };
  tracker = createTracker({ policies, logger, updateIntervalMs: 1 });
  for (const event of ['opened', 'updated', 'closed', 'denied'] as const) tracker.on(event, tell(event));
  tracker.addSink({ name: 'everything', write: (batch) => batch.forEach(tell('sink')) });
  server = createSrtServer({ host: '127.0.0.1', port: 0, latencyMs: 20, tracker, ...options });
}

function tellAll(): void {
  const [sessions, denials] = [tracker.list(), tracker.denials()];
  tell('list')(sessions, sessions.map(toWire));
  tell('denials')(denials);
  for (const { id } of [...sessions, ...denials]) tell('explain')(tracker.explain(id));
  tell('rest')(tracker.streams(), tracker.stats());
}

beforeEach(() => {
  told.length = 0;
  jest.spyOn(process, 'emitWarning').mockImplementation(tell('warning'));
  jest.spyOn(process.stderr, 'write').mockImplementation((text) => (tell('stderr')(String(text)), true));
});
afterEach(async () => {
  const dropped = Promise.all(callers.splice(0).map((caller) => caller.drop()));
  await server.close();
  await tracker.stop();
  await dropped;
});

const has = (secret: string): string[] => told.filter((line) => line.includes(secret));

it('the adapter shows no secret, wherever it was offered: to listeners, sinks, logs, lists, explanations', async () => {
  const refusesSome: Policy = {
    name: 'odd',
    admit: ({ token }) =>
      token !== undefined && /[13579]$/.test(token)
        ? { allow: false, reason: 'unauthorized', kind: 'credentials', denyForMs: 60_000 }
        : { allow: true },
  };
  start([refusesSome]);
  OFFERS.forEach((id) => call(id));
  await until('all are judged', () => tracker.stats().openedTotal + tracker.stats().deniedTotal >= OFFERS.length);
  NONSENSE.forEach((id) => call(id));
  const nonsense = callers.slice(OFFERS.length);
  await until('nonsense is cut', () => nonsense.every(({ ended }) => ended));
  const [first] = tracker.list({ status: 'active' });
  expect(tracker.kick(first!.id)).toBe(true);
  tellAll();
  await server.close();
  await tracker.stop();
  tellAll();
  expect(told.length).toBeGreaterThan(30);
  expect(has(SECRET)).toEqual([]);
  expect(has(TOKEN)).toEqual([]);
});

it('an HTTP authoriser gets the token, which it judges, and no other secret', async () => {
  const bodies: string[] = [];
  const service = createServer((request, response) => {
    let body = '';
    request.on('data', (data) => (body += String(data)));
    request.on('end', () => {
      bodies.push(`${request.url} ${JSON.stringify(request.headers)} ${body}`);
      response.end('{"allow":true}');
    });
  });
  await once(service.listen(0, '127.0.0.1'), 'listening');
  const url = `http://127.0.0.1:${(service.address() as AddressInfo).port}/`;
  try {
    const payloads = ['json', 'mediamtx', 'mistserver'] as const;
    start(payloads.map((payload) => httpAuthorizer({ url, payload })));
    OFFERS.forEach((id) => call(id));
    // one call is asked about up to three times
    await until('all are judged', () => tracker.stats().openedTotal + tracker.stats().deniedTotal >= OFFERS.length);
    expect(bodies.filter((body) => body.includes(TOKEN)).length).toBeGreaterThan(OFFERS.length / 2);
    expect(bodies.filter((body) => body.includes(SECRET))).toEqual([]);
    tellAll();
    expect([...has(SECRET), ...has(TOKEN)]).toEqual([]);
  } finally {
    await server.close();
    service.closeAllConnections();
    service.close();
  }
});

it('a policy gets the user by name, and the password only to compare', async () => {
  const asked: Candidate[] = [];
  start([{ name: 'door', admit: (candidate) => (asked.push({ ...candidate }), { allow: true }) }]);
  call(accessControl({ r: 'cam1', u: 'me', pass: 'a:secret' }));
  await until('it is asked about', () => asked.length === 1);
  const { credentials } = asked[0]!;
  if (credentials?.scheme !== 'basic') throw new Error('no credentials');
  expect(credentials.user).toBe('me');
  expect([credentials.verify('a:secret'), credentials.verify('another')]).toEqual([true, false]);
  expect(JSON.stringify(asked)).not.toContain('a:secret');
});

it('no output repeats what the operator’s functions throw, or the stream id of a player that publishes', async () => {
  start([], {
    screen: ({ streamId }) => (streamId.startsWith('{') ? (JSON.parse(streamId.slice(1)) as number) : undefined),
    streamId: (streamId) => (streamId.includes('throw') ? (JSON.parse(streamId) as string) : streamId),
  });
  call(`{${SECRET}`);
  call(`throw?pass=${SECRET}`);
  const mute = await call(`cam1?token=${TOKEN}&pass=${SECRET}`).connects();
  mute.publish();
  await until('all are cut', () => callers.every(({ ended }) => ended));
  expect(has('warning').length).toBeGreaterThanOrEqual(2);
  expect([...has(SECRET), ...has(TOKEN)]).toEqual([]);
});

it('no output contains a passphrase, right or wrong', async () => {
  start([], { passphrase: `${SECRET}-passphrase` });
  const [right, wrong] = [call('cam1', `${SECRET}-passphrase`), call('cam1', `${SECRET}-another`)];
  await until('one is in and one is not', () => tracker.stats().active === 1 && wrong.ended);
  expect(right.ended).toBe(false);
  tellAll();
  expect(has(SECRET)).toEqual([]);
});

it('the query is left as it is, except for secrets', () => {
  const request = (id: string): unknown => readRequest(id);
  expect(request('#!::r=cam1?x=1&y=%20,s=7,t=stream,h=example.com')).toMatchObject({
    query: 'x=1&y=%20&s=7&t=stream&h=example.com',
  });
  expect(request('cam1?token=a&x=1&u=me&y=2')).toMatchObject({ query: 'token=a&x=1&y=2' });
});

it.each([
  `r=live/cam1,u=me,p=${SECRET}`,
  `live/cam1,passwd=${SECRET}`,
  `live%2Fcam1%2Ct%3D${SECRET}`,
  `live/cam1, token=${SECRET}`,
  `live/cam1&key=${SECRET}`,
])('an id without #!:: whose pairs would be part of a public name is refused: %s', (id) => {
  expect(readRequest(id)).toBe(1400);
});

it('a name may end like base64, and have pairs that are no secrets', () => {
  for (const id of ['abkey==', 'live/abkey=', 'cam1,m=publish', 'cam1,angle=2']) {
    expect(readRequest(id)).toMatchObject({ stream: id.replace('live/', '') });
  }
});

it('the path has no fragment, which is no part of the name either', () => {
  expect(readRequest(`live/cam1#pass=${SECRET}`)).toMatchObject({ stream: 'cam1', path: '/live/cam1', query: '' });
});
