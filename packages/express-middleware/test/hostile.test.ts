import type http from 'node:http';
import express from 'express';
import { createTracker, type SessionTracker } from '@stream-sessions/core';
import { localOnly, sessionsApi, trackPlayback } from '../src/index.js';
import { get, RawClient, until } from './support/client.js';
import { FILES, mediaFolder } from './support/media.js';
import { closeServers, serve } from './support/serve.js';

const media = mediaFolder();
const quiet = { debug() {}, info() {}, warn() {}, error() {} };
let tracker: SessionTracker;
let url: string;
let port: number;

const start = async (options = {}, serverOptions: http.ServerOptions = {}) => {
  tracker = createTracker({ logger: quiet, ...options });
  const app = express();
  app.use('/api', sessionsApi(tracker, { authorize: localOnly }));
  app.use(trackPlayback(tracker), express.static(media.folder));
  ({ url, port } = await serve(app, serverOptions));
};
/** An honest viewer at another address plays on, and is counted to the byte. */
const honestPlays = async () => {
  const before = tracker.list({ stream: 'cam2', status: 'active' })[0]?.bytes ?? 0;
  expect(await get(url, '/cam2/seg0.ts', {}, { localAddress: '127.0.0.2' })).toMatchObject({ status: 200 });
  await until(() => tracker.list({ stream: 'cam2', status: 'active' })[0]?.bytes === before + FILES['cam2/seg0.ts']!);
};

beforeEach(() => {
  jest.spyOn(process, 'emitWarning').mockImplementation(() => undefined); // it warns of most of this
});
afterEach(async () => {
  await closeServers();
  await tracker.stop();
});
afterAll(() => media.remove());

/** Bytes on a socket of their own; the status of the answer, 0 for none. */
async function raw(text: string): Promise<number> {
  const client = await RawClient.connect(port);
  client.socket.write(text, 'latin1');
  await until(() => client.status !== 0 || client.ended);
  client.socket.destroy();
  return client.status;
}

describe('hostile paths', () => {
  const PATHS = [
    '/../cam1/seg0.ts',
    '/../../../../etc/passwd.ts',
    '/%2e%2e/%2e%2e/cam1/seg0.ts',
    '/cam1/..%2f..%2f..%2fseg0.ts',
    '//cam1//seg0.ts',
    '/cam1%2Fseg0.ts',
    '/cam1/seg0.ts%00',
    '/cam1/%00seg0.ts',
    '/%00/seg0.ts',
    '/cam1/%/seg0.ts',
    '/cam1/%c0%ae/seg0.ts',
    '/cam1/%u0073eg0.ts',
    '/cam1/%E2%80%AEst.0ges.ts',
    '/cam1/\xa0seg0.ts',
    '/cam1/seg0.ts\xa0',
    '/cam1/\xff\xfe.ts',
    'http://cam1/seg0.ts',
    'http://h/cam1/seg0.ts',
    'http://h:99999/cam1/seg0.ts',
    'http://[::1/cam1/seg0.ts',
    'http:///cam1/seg0.ts',
    '*',
    `/${'a'.repeat(10_000)}/seg0.ts`,
    `/cam1/${'a'.repeat(10_000)}.ts`,
    `/cam1/${'%61'.repeat(3_000)}.ts`,
    `/${'x/../'.repeat(2_000)}cam1/seg0.ts`,
    `/${'/'.repeat(10_000)}cam1/seg0.ts`,
    `/cam1/seg0.ts?${'x'.repeat(10_000)}`,
    '/cam1/seg0.ts?token=%00%ff%zz&CMCD=%22%22%22,sid=%22',
    '/__proto__/seg0.ts',
    '/constructor/seg0.ts',
  ];

  it('get a clear answer, and open no session under an invalid name', async () => {
    await start();
    for (const path of PATHS) {
      const status = await raw(`GET ${path} HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n`);
      expect([200, 400, 403, 404]).toContain(status);
      await honestPlays();
    }
    for (const { stream } of tracker.list()) {
      expect(stream.length).toBeLessThanOrEqual(256);
      expect(stream).not.toMatch(/[\0-\x1f]|\.\.|^\/|\/\/|^$/); // eslint-disable-line no-control-regex
    }
  });

  it('never serve a kicked viewer', async () => {
    await start();
    await get(url, '/cam1/seg0.ts');
    await honestPlays();
    tracker.kick(tracker.list({ stream: 'cam1' })[0]!.id);
    for (const path of PATHS) {
      expect(await raw(`GET ${path} HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n`)).not.toBe(200);
    }
    await honestPlays();
  });

  it('longer than a stream code may be are answered 400; a token that is too long is ignored', async () => {
    await start({}, { maxHeaderSize: 3_000_000 });
    expect((await get(url, `/${'a'.repeat(257)}/seg0.ts`)).status).toBe(400);
    expect((await get(url, `/${'a'.repeat(256)}/seg0.ts`)).status).toBe(404);
    const [long, longest] = ['a'.repeat(4097), 'a'.repeat(4096)];
    for (const cookie of ['', `token=${long}`, `token=${long}; tkn=b`]) {
      expect((await get(url, `/cam1/seg0.ts?token=${long}`, { cookie })).status).toBe(200);
    }
    expect((await get(url, `/cam2/seg0.ts?token=${longest}`)).status).toBe(200);
    const named = tracker.list().map(({ stream, namedBy }) => `${stream} ${namedBy}`);
    expect(named.sort()).toEqual(['cam1 token', 'cam2 token']);
  });
});

describe('hostile headers and queries', () => {
  it('of a megabyte do no harm', async () => {
    await start({}, { maxHeaderSize: 8_000_000 });
    const big = 'x'.repeat(1_000_000);
    expect((await get(url, `/cam1/seg0.ts?${big}`)).status).toBe(200);
    expect((await get(url, `/cam1/seg0.ts?${'token=&'.repeat(150_000)}`)).status).toBe(200);
    expect((await get(url, `/cam1/seg0.ts?CMCD=${'sid%3D'.repeat(150_000)}`)).status).toBe(200);
    for (const name of ['user-agent', 'referer', 'cookie', 'cmcd-session', 'x-playback-session-id', 'authorization']) {
      expect((await get(url, '/cam1/seg0.ts', { [name]: `token=${'sid=,"'.repeat(150_000)}` })).status).toBeLessThan(
        500,
      );
    }
    for (const session of tracker.list()) {
      expect(JSON.stringify(session).length).toBeLessThan(20_000);
    }
    await honestPlays();
  });

  it('are read in linear time, cookies too', async () => {
    await start({}, { maxHeaderSize: 8_000_000 });
    const began = process.cpuUsage();
    await get(url, '/cam1/seg0.ts', { cookie: 'token '.repeat(300_000) });
    await get(url, '/cam1/seg0.ts', { cookie: ' '.repeat(2_000_000) + 'token=' });
    await get(url, '/cam1/seg0.ts', { cookie: 'a=' + ' token='.repeat(200_000) });
    await get(url, '/cam1/seg0.ts', { 'cmcd-session': ' '.repeat(300_000) + 'sid=' });
    await get(url, `/cam1/seg0.ts?${'CMCD='.repeat(200_000)}`);
    const { user, system } = process.cpuUsage(began);
    expect((user + system) / 1e6).toBeLessThan(5);
  });

  it('with control characters are refused by Node, before the app sees them', async () => {
    await start();
    for (const header of [
      'User-Agent: a\0b',
      'User-Agent: a\x01b',
      'X-Playback-Session-Id: a\x7fb',
      'Cookie: token=a\x08',
    ]) {
      const status = await raw(`GET /cam1/seg0.ts HTTP/1.1\r\nHost: h\r\n${header}\r\n\r\n`);
      expect([200, 400]).toContain(status);
    }
    for (const session of tracker.list()) expect(JSON.stringify(session)).not.toMatch(/\\u0000/);
    await honestPlays();
  });

  it('with the token repeated, empty or as an array have no token', async () => {
    await start();
    for (const query of ['token=a&token=b', 'token=', 'token[]=a', 'token[x]=a', 'token']) {
      expect((await get(url, `/cam1/seg0.ts?${query}`)).status).toBe(200);
    }
    expect(tracker.list({ stream: 'cam1' })).toMatchObject([{ namedBy: 'fingerprint' }]);
  });

  it('that forge an address are one viewer of one address', async () => {
    await start();
    for (let i = 0; i < 50; i++) {
      const forged = `203.0.113.${i}`;
      await get(url, '/cam1/seg0.ts', {
        'x-forwarded-for': forged,
        forwarded: `for=${forged}`,
        'x-real-ip': forged,
        'client-ip': forged,
      });
    }
    expect(tracker.list()).toMatchObject([{ ip: '127.0.0.1', bytes: 50 * 13_000 }]);
    tracker.kick(tracker.list()[0]!.id);
    expect((await get(url, '/cam1/seg0.ts', { 'x-forwarded-for': '203.0.113.99' })).status).toBe(403);
  });
});

describe('a flood', () => {
  /** Pipelined requests on a few connections. */
  async function flood(count: number, target: (n: number) => string): Promise<void> {
    const connections = 4;
    const each = count / connections;
    const send = async (c: number) => {
      const client = await RawClient.connect(port);
      let answers = 0;
      client.socket.removeAllListeners('data').on('data', (chunk: Buffer) => {
        for (let at = chunk.indexOf('HTTP/1.1 '); at >= 0; at = chunk.indexOf('HTTP/1.1 ', at + 9)) answers++;
      });
      for (let sent = 0; sent < each;) {
        let batch = '';
        for (let i = 0; i < 250; i++, sent++) batch += `GET ${target(c * each + sent)} HTTP/1.1\r\nHost: h\r\n\r\n`;
        client.socket.write(batch);
        const expected = sent * 0.97; // one that a chunk cuts in two may go unseen
        await until(() => answers >= expected);
      }
      client.socket.destroy();
    };
    await Promise.all(Array.from({ length: connections }, (_, c) => send(c)));
  }

  it.each<[string, (n: number) => string]>([
    ['tokens', (n) => `/cam1/missing.ts?token=${n}`],
    ['stream codes', (n) => `/stream${n}/missing.ts`],
  ])(
    'of 100,000 distinct %s from one address stays within the cap, and honest viewers play on',
    async (_name, target) => {
      await start({ maxSessionsPerIp: 500 });
      await honestPlays();
      const site = { url, port };
      const track = trackPlayback(tracker); // without Express, which needs a minute for this
      ({ port } = await serve((req: http.IncomingMessage, res: http.ServerResponse) =>
        track(req, res, () => res.end()),
      ));
      await flood(100_000, target);
      ({ url, port } = site);
      expect(tracker.count({ ip: '127.0.0.1', status: 'active' })).toBeLessThanOrEqual(500);
      expect(tracker.stats().overloadTotal).toBeGreaterThan(90_000);
      await honestPlays();
    },
    60_000,
  );

  it('of kicks of unknown sessions is answered 404, and leaves nothing in memory', async () => {
    await start();
    await honestPlays();
    for (let i = 0; i < 200; i++)
      expect((await get(url, `/api/sessions/${i}`, {}, { method: 'DELETE' })).status).toBe(404);
    for (let i = 0; i < 1_000_000; i++) tracker.kick(`unknown-${i}`);
    expect(tracker.denials()).toEqual([]);
    await honestPlays();
  });
});
