import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer as createHttpServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createTracker, type Logger, type SessionTracker } from '@stream-sessions/core';
import { httpAuthorizer } from '@stream-sessions/policies';
import { attachRtsp, createRtspServer, type RtspClient as Asking, type RtspServer } from '../src/index.js';
import { app, createServer, listening, type Handler } from './support/package-server.js';
import { RtspClient, SDP } from './support/rtsp-client.js';
import { until } from '../../../test/support/until.js';

const SECRET = 's3cret!many-letters';
const escaped = encodeURIComponent(SECRET).replace(/!/g, '%21');
const md5 = (text: string) => createHash('md5').update(text).digest('hex');

interface Offer {
  readonly userinfo?: string;
  readonly query?: string;
  /** Given the challenge. */
  readonly authorization?: (challenge: string, method: string, uri: string) => string;
}

const digest =
  (userinfo = ''): Offer['authorization'] =>
  (challenge, method, plain) => {
    const uri = plain.replace('://', `://${userinfo}`);
    const nonce = /nonce="(\w+)"/.exec(challenge)?.[1] ?? '';
    const response = md5(`${md5(`me:stream-sessions:${SECRET}`)}:${nonce}:${md5(`${method}:${uri}`)}`);
    digests.add(response);
    return `Digest username="me", realm="stream-sessions", nonce="${nonce}", uri="${uri}", response="${response}"`;
  };
/** What was answered to challenges is good for nothing else; it is nobody's business all the same. */
const digests = new Set<string>();

/** Every way in which a client can show a credential over RTSP. */
const OFFERS: Record<string, Offer> = {
  'a password in its URL': { userinfo: `me:${escaped}@` },
  'one that is not escaped, with an @ in it': { userinfo: `me:@${SECRET}@` },
  'a name in its URL': { userinfo: `${SECRET}@` },
  'a token': { query: `?token=${escaped}` },
  'a token as it is': { query: `?token=${SECRET}` },
  'one of the other name': { query: `?tkn=${escaped}&x=1` },
  'one that stands twice': { query: `?token=${escaped}&token=other` },
  'one badly escaped': { query: `?token=${escaped}%zz` },
  'one with an escaped name': { query: `?%74oken=${escaped}` },
  'one in another value': { query: `?next=${encodeURIComponent(`rtsp://me:${SECRET}@h/?token=${escaped}`)}` },
  'one too long to be one': { query: `?token=${escaped.repeat(150)}` },
  'usual secrets': { query: `?user=me&password=${escaped}` },
  Basic: { authorization: () => `Basic ${Buffer.from(`me:${SECRET}`).toString('base64')}` },
  'Basic that is none': { authorization: () => `Basic ${SECRET}` },
  Digest: { authorization: digest() },
  'Digest of a URL with a password': { userinfo: `me:${escaped}@`, authorization: digest(`me:${escaped}@`) },
  'a bearer token': { authorization: () => `Bearer ${SECRET}` },
  'a bearer token and its copy': { query: `?copy=${SECRET}`, authorization: () => `Bearer ${SECRET}` },
  'another scheme': { authorization: () => `Own ${SECRET}` },
};

const SDP_WITH_SECRETS = [
  SDP.replace('a=control:streamid=0', `a=control:rtsp://me:${SECRET}@h/live/cam1/streamid=0`),
  `u=rtsp://me:${SECRET}@h/`,
  `rtsp://me:${SECRET}@h/`,
  `a=control:rtsp://me:${SECRET}@h/ x`,
  `m=application rtsp://me:${SECRET}@h/ TCP 1`,
  '',
].join('\r\n');

/** All that was told to anybody. */
let told: unknown[];
/** What the authoriser was sent. */
let asked: Record<string, unknown>[];
let authorizer: Server;
let tracker: SessionTracker;
let clients: RtspClient[];
let close: () => unknown;

beforeEach(() => {
  [told, asked, clients] = [[], [], []];
  jest.spyOn(process, 'emitWarning').mockImplementation((...warning: unknown[]) => void told.push(warning));
});

afterEach(async () => {
  clients.forEach((client) => client.drop());
  await close();
  authorizer.close();
  authorizer.closeAllConnections();
  await tracker.stop();
});

/** Whose authoriser, if there is one, answers with this status. */
async function listeningTracker(verdict: number | undefined): Promise<SessionTracker> {
  authorizer = createHttpServer((req, res) => {
    let body = '';
    req.on('data', (chunk: Buffer) => (body += chunk.toString()));
    req.on('end', () => {
      asked.push(JSON.parse(body) as Record<string, unknown>);
      const answer = { allow: verdict === 204, kind: 'credentials' };
      res.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(answer));
    });
  }).listen(0, '127.0.0.1');
  await once(authorizer, 'listening');
  const url = `http://127.0.0.1:${(authorizer.address() as AddressInfo).port}/`;
  const log = (details: object, message: string): void => void told.push(message, details);
  const logger: Logger = { debug: log, info: log, warn: log, error: log };
  const policies = verdict === undefined ? [] : [httpAuthorizer({ url, retries: 0, kinds: ['viewer', 'input'] })];
  const made = createTracker({ logger, policies, updateIntervalMs: 1, maxSessionsPerIp: 100 });
  for (const name of ['opened', 'updated', 'closed', 'denied'] as const) made.on(name, (event) => told.push(event));
  made.addSink({ name: 'ear', write: (events) => void told.push(...events) });
  return made;
}

/** Publishes and plays with it; what anybody else is told is noted. */
async function offer(port: number, path: string, { userinfo = '', query = '', authorization }: Offer): Promise<void> {
  for (const method of ['ANNOUNCE', 'DESCRIBE'] as const) {
    const client = new RtspClient(port);
    clients.push(client);
    const url = client.url(path).replace('://', `://${userinfo}`) + query;
    const ask = (headers: Record<string, string> = {}) => {
      const more: Record<string, string> = method === 'ANNOUNCE' ? { 'Content-Type': 'application/sdp' } : {};
      return client.ask(method, url, { ...more, ...headers }, method === 'ANNOUNCE' ? SDP_WITH_SECRETS : '');
    };
    const offered = (challenge = '') =>
      ask(authorization && { Authorization: authorization(challenge, method, client.url(path) + query) });
    const first = await offered();
    const challenge = first.headers['www-authenticate'];
    const answer = challenge === undefined ? first : await offered(challenge);
    if (answer.status === 200 && method === 'ANNOUNCE') {
      await client.setUp(`${url.slice(0, url.length - query.length)}/streamid=1${query}`, 1, {}, ';mode=record');
      await client.ask('RECORD', url);
    }
    // What it is told itself is what it has said: its own token is in the names of the tracks. No password is.
    told.push(client.responses.map((response) => JSON.stringify(response).replaceAll(query.slice(1), 'its query')));
  }
}

/** All there is to read, before and after a kick of everybody. */
async function readAll(again: () => Promise<void>): Promise<void> {
  for (const session of tracker.list()) {
    told.push(session, tracker.explain(session.id));
    tracker.kick(session.id);
  }
  await again();
  for (const denial of tracker.denials()) told.push(denial, tracker.explain(denial.id));
  told.push(tracker.list(), tracker.stats(), tracker.streams());
}

/** However often somebody unescapes what was told. */
function expectNoSecret(text: string): void {
  for (const secret of ['s3cret', Buffer.from(`me:${SECRET}`).toString('base64').slice(0, 16), ...digests]) {
    let plain = text;
    for (let i = 0; i < 4; i++) {
      const at = plain.indexOf(secret);
      expect(at < 0 ? '' : plain.slice(Math.max(0, at - 300), at + 50)).toBe('');
      plain = plain.replace(/%([0-9a-f]{2})/gi, (_, hex: string) => String.fromCharCode(parseInt(hex, 16)));
    }
  }
}

describe.each<[string, number | undefined]>([
  ['of clients nobody asks about', undefined],
  ['of clients that a web service lets in', 204],
  ['of clients that it refuses', 403],
])('no credential that was offered over RTSP leaves the process, %s', (_what, verdict) => {
  const offerAll = (port: number) => async () => {
    for (const [i, each] of Object.values(OFFERS).entries()) await offer(port, `/live/cam${i}`, each);
  };

  async function check(port: number): Promise<void> {
    await offerAll(port)();
    await readAll(offerAll(port));
    const { openedTotal, deniedTotal } = tracker.stats();
    expect(openedTotal + deniedTotal).toBeGreaterThanOrEqual(Object.keys(OFFERS).length);
    expectNoSecret(JSON.stringify(told));
    // What it has to judge, the service is told. A password is nothing of that.
    expect(asked.length > 0).toBe(verdict !== undefined);
    expectNoSecret(JSON.stringify(asked.map(({ token: _t, bearer: _b, url: _u, query_string: _q, ...rest }) => rest)));
    for (const { url } of asked) expect(url).not.toContain('@');
  }

  it('through the relay', async () => {
    tracker = await listeningTracker(verdict);
    const server = createRtspServer({ tracker });
    close = () => server.close();
    await check((await server.listen(0, '127.0.0.1')).port);
  });

  it('through the npm package', async () => {
    tracker = await listeningTracker(verdict);
    const server = createServer();
    const attachment = attachRtsp(server, tracker);
    close = () => attachment.detach().then(() => server.close());
    const seen: Handler = (request, response) => {
      // The token is for the app to read, and the header it was given; a name and password in the URL are not.
      told.push(request.uri.split('?', 1));
      app(request, response);
    };
    server.on('request', seen);
    server.on('clientError', (error: Error) => told.push(error.message, error.stack));
    await check(await listening(server));
  });
});

it('a server without a tracker gives its `authorize` no password', async () => {
  tracker = await listeningTracker(undefined);
  const clientsAsked: Asking[] = [];
  const server: RtspServer = createRtspServer({
    authorize: (client) => {
      clientsAsked.push(client);
      if (client.query.includes('boom')) throw new Error('broken');
      return true;
    },
  });
  close = () => server.close();
  const { port } = await server.listen(0, '127.0.0.1');
  for (const [i, each] of Object.values(OFFERS).entries()) await offer(port, `/live/cam${i}`, each);
  await offer(port, '/live/cam', { userinfo: `me:${escaped}@`, query: '?boom' });
  await until('all have asked', () => clientsAsked.length >= Object.keys(OFFERS).length);
  for (const { url, query, token: _t, credentials, ...rest } of clientsAsked) {
    expect(url).not.toContain('@');
    expectNoSecret(JSON.stringify([rest, query === '' ? url : url.split('?', 1)]));
    if (credentials?.scheme !== 'bearer') expectNoSecret(JSON.stringify(credentials ?? ''));
  }
  expectNoSecret(JSON.stringify(told));
});
