import type http from 'node:http';
import express from 'express';
import { createTracker, type Logger, type SessionTracker, toWire } from '@stream-sessions/core';
import { fakeClock } from '@stream-sessions/core/testing';
import { httpAuthorizer } from '@stream-sessions/policies';
import { loadCmcdDecoder } from '../src/cmcd/decoder.js';
import { type PlaybackRequest, sessionsApi, trackPlayback, type TrackPlaybackOptions } from '../src/index.js';
import { get } from './support/client.js';
import { closeServers, serve } from './support/serve.js';

type Offer = readonly [path: string, headers?: Record<string, string>];

/** Longer than what is found by chance; `!` and `/` have to be escaped in some places. */
const secretOf = (what: string): string => `${what.replace(/\W/g, '-')}!s3cret/many-letters`;
const escape = (text: string): string => encodeURIComponent(text).replace(/!/g, '%21');

/** Every way in which a client can show a credential by HTTP; `name` is the parameter of the tokens. */
const OFFERS: Record<string, (media: string, name: string, secret: string) => Offer> = {
  'a query token': (media, name, secret) => [`${media}?${name}=${escape(secret)}`],
  'a query token as it is': (media, name, secret) => [`${media}?${name}=${secret}`],
  'one that stands twice': (media, name, secret) => [`${media}?${name}=${escape(secret)}&${name}=other`],
  'one badly escaped': (media, name, secret) => [`${media}?${name}=${escape(secret)}%zz`],
  'one escaped twice': (media, name, secret) => [`${media}?${name}=${escape(escape(secret))}`],
  'one with an escaped name': (media, name, secret) => [
    `${media}?%${name.charCodeAt(0).toString(16)}${name.slice(1)}=${escape(secret)}`,
  ],
  'one in upper case': (media, name, secret) => [`${media}?${name.toUpperCase()}=${escape(secret)}`],
  'a list of them': (media, name, secret) => [`${media}?${name}[]=${escape(secret)}&${name}%5B1%5D=${escape(secret)}`],
  'one in another value': (media, name, secret) => [`${media}?next=${escape(`/watch?${name}=${escape(secret)}`)}`],
  'one and its copies': (media, name, secret) => [
    `${media}?${name}=${escape(secret)}&copy=${escape(secret)}&${escape(secret)}`,
  ],
  'one too long to be one': (media, name, secret) => [`${media}?${name}=${escape(secret).repeat(150)}`],
  'a usual secret': (media, _name, secret) => [`${media}?access_token=${escape(secret)}&password=${escape(secret)}`],
  'a token in the path': (media, _name, secret) => [`/paths/${escape(secret)}${media}`],
  'a cookie': (media, name, secret) => [media, { cookie: `${name}=${escape(secret)}` }],
  'a cookie twice': (media, name, secret) => [media, { cookie: `${name}=${escape(secret)}; ${name}=other` }],
  'a bearer token': (media, _name, secret) => [media, { authorization: `Bearer ${secret}` }],
  'a bearer token and its copy': (media, _name, secret) => [
    `${media}?copy=${escape(secret)}`,
    { authorization: `Bearer ${secret}` },
  ],
  'a password': (media, _name, secret) => [
    media,
    { authorization: `Basic ${Buffer.from(`me:${secret}`).toString('base64')}` },
  ],
  'another scheme': (media, _name, secret) => [media, { authorization: `Digest ${secret}` }],
  'a whole URL with a password': (media, _name, secret) => [`http://me:${escape(secret)}@127.0.0.1${media}`],
  'its page': (media, name, secret) => [
    media,
    { referer: `https://site.example/watch?${name}=${escape(secret)}#${name}=${secret}` },
  ],
  'the page before': (media, name, secret) => [
    media,
    { referer: `https://site.example/?back=${escape(`/?${name}=${escape(secret)}`)}` },
  ],
  'a page with a password': (media, _name, secret) => [media, { referer: `https://me:${secret}@site.example/` }],
  'a page with the token in its path': (media, name, secret) => [
    `${media}?${name}=${escape(secret)}`,
    { referer: `https://site.example/${escape(secret)}/${escape(escape(secret))}` },
  ],
  'CMCD of the next object': (media, name, secret) => [
    `${media}?CMCD=${escape(`nor="seg2.ts%3F${name}%3D${escape(secret)}",sid="s"`)}`,
  ],
  'CMCD of the content': (media, name, secret) => [
    `${media}?CMCD=${escape(`cid="/cam1?${name}=${secret}",sid="s",bl=100`)}`,
  ],
  'CMCD headers': (media, _name, secret) => [
    media,
    { 'cmcd-session': `cid="https://me:${secret}@site.example/",sid="s"`, 'cmcd-request': 'bl=100' },
  ],
};

const answer = (req: PlaybackRequest, res: { send(body: string): void }): void =>
  res.send(req.url?.includes('long') ? `#EXTM3U\n${'#'.repeat(5_000_000)}` : '#EXTM3U\nseg1.ts\n');

const withTokenInPath: TrackPlaybackOptions = {
  stream: (req) => /cam[^/]*/.exec(req.url ?? '')?.[0],
  hit: (req, hit) => ({ ...hit, token: decodeURIComponent(req.url?.split('/')[1] ?? '') }),
};

let tracker: SessionTracker;
/** All that was told to anybody. */
let told: unknown[];
/** What the authoriser was sent. */
let asked: Record<string, unknown>[];

beforeAll(loadCmcdDecoder);
beforeEach(() => {
  told = [];
  asked = [];
  jest.spyOn(process, 'emitWarning').mockImplementation((...warning: unknown[]) => void told.push(warning));
});
afterEach(async () => {
  await closeServers();
  await tracker.stop();
});

/** Whose authoriser, if there is one, answers with this status. */
async function listeningTracker(verdict: number | undefined): Promise<SessionTracker> {
  const authorizer = await serve((req: http.IncomingMessage, res: http.ServerResponse) => {
    let body = '';
    req.on('data', (chunk: Buffer) => (body += chunk.toString()));
    req.on('end', () => {
      asked.push(JSON.parse(body) as Record<string, unknown>);
      res.writeHead(verdict ?? 500, { 'content-type': 'application/json' }).end('{}');
    });
  });
  const log = (details: object, message: string): void => void told.push(message, details);
  const logger: Logger = { debug: log, info: log, warn: log, error: log };
  const policies = verdict === undefined ? [] : [httpAuthorizer({ url: authorizer.url, retries: 0 })];
  const made = createTracker({ clock: fakeClock(), logger, policies, maxSessionsPerIp: 60, updateIntervalMs: 1 });
  for (const name of ['opened', 'updated', 'closed', 'denied'] as const) made.on(name, (event) => told.push(event));
  made.addSink({ name: 'ear', write: (events) => void told.push(...events) });
  return made;
}

/** Asks the API for all there is, kicks everybody, and asks again. */
async function readAll(url: string, again: () => Promise<void>): Promise<void> {
  const api = async (path: string, method = 'GET'): Promise<void> => {
    told.push((await get(url, `/api${path}`, {}, { method })).text);
  };
  for (const path of ['/sessions', '/streams', '/stats']) await api(path);
  for (const session of tracker.list()) {
    told.push(session, toWire(session), tracker.explain(session.id));
    await api(`/sessions/${session.id}/explain`);
    await api(`/sessions/${session.id}`, 'DELETE');
  }
  await again();
  for (const denial of tracker.denials()) {
    told.push(denial, tracker.explain(denial.id));
    await api(`/denials/${denial.id}/explain`);
  }
  for (const path of ['/denials', '/sessions', '/sessions?status=closed', '/stats']) await api(path);
  told.push(tracker.list(), tracker.stats(), tracker.streams());
}

/** However often somebody unescapes what was told. */
function expectNoSecret(text: string): void {
  for (let i = 0; i < 4; i++) {
    const at = text.indexOf('s3cret');
    expect(at < 0 ? '' : text.slice(Math.max(0, at - 200), at + 50)).toBe('');
    text = text.replace(/%([0-9a-f]{2})/gi, (_, hex: string) => String.fromCharCode(parseInt(hex, 16)));
  }
}

describe.each<[string, TrackPlaybackOptions]>([
  ['token', {}],
  ['tkn', {}],
  ['auth', { viewerToken: { parameter: 'auth', cookie: 'auth', writeUrl: true } }],
])('with tokens called %s, no credential offered over HTTP leaves the process', (name, options) => {
  it.each<[string, number | undefined]>([
    ['of viewers nobody asks about', undefined],
    ['of viewers that a web service lets in', 204],
    ['of viewers that it refuses', 403],
  ])('%s', async (_, verdict) => {
    tracker = await listeningTracker(verdict);
    const tell = (req: PlaybackRequest, _res: unknown, next: () => void): void => {
      told.push(req.playSession);
      next();
    };
    const app = express();
    app.use('/live', trackPlayback(tracker, options), tell as never, answer as never);
    app.use('/paths', trackPlayback(tracker, { ...options, ...withTokenInPath }), tell as never, answer as never);
    app.use('/api', sessionsApi(tracker, { authorize: () => true }));
    const { url } = await serve(app);
    const offerAll = async (): Promise<void> => {
      for (const [i, [what, offer]] of Object.entries(OFFERS).entries()) {
        const [path, headers] = offer(`/live/cam${i}/seg1.ts`, name, secretOf(what));
        const { status, text, headers: answered } = await get(url, path, headers);
        if (status >= 400) told.push(answered, text);
      }
    };
    await offerAll();
    await offerAll();
    await readAll(url, offerAll);
    const { openedTotal, deniedTotal } = tracker.stats();
    expect(openedTotal + deniedTotal).toBeGreaterThanOrEqual(Object.keys(OFFERS).length);
    expectNoSecret(JSON.stringify(told));
    // What it has to judge the service is told; a password, or the page's secrets, are nothing of that.
    expect(asked.length > 0).toBe(verdict !== undefined);
    expectNoSecret(JSON.stringify(asked.map(({ token: _t, bearer: _b, url: _u, query_string: _q, ...rest }) => rest)));
    for (const { url: judged } of asked) expect(judged).not.toContain('@');
  });
});

it('warnings name a file, and show no credential', async () => {
  // each of them comes once in a process
  await jest.isolateModulesAsync(async () => {
    const { trackPlayback: track } = await import('../src/track-playback.js');
    tracker = createTracker();
    const app = express();
    const options = { viewerToken: { parameter: 'auth', writeUrl: true } };
    app.use('/paths', track(tracker, { ...options, ...withTokenInPath }), answer as never);
    app.use(track(tracker, options), answer as never);
    const { url } = await serve(app);
    const secret = escape('!s3cret/many-letters');
    const headers = { 'x-forwarded-for': secret, authorization: `Bearer ${secret}` };
    await get(url, `/index.m3u8?auth=${secret}`, headers);
    await get(url, `/paths/${secret}/cam1/long.m3u8?auth=${secret}`, headers);
    expect(told).toMatchObject([
      [expect.stringMatching(/^index\.m3u8 is not counted/), { code: 'STREAM_SESSIONS_NAMELESS_STREAM' }],
      [expect.stringMatching(/^A request from 127/), { code: 'STREAM_SESSIONS_UNTRUSTED_PROXY' }],
      [expect.stringMatching(/cam1\/long\.m3u8 is longer/), { code: 'STREAM_SESSIONS_PLAYLIST_TOO_LONG' }],
    ]);
    expectNoSecret(JSON.stringify(told));
  });
});
