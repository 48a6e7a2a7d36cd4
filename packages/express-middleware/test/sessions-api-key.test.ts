import { execFileSync } from 'node:child_process';
import {
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import connect from 'connect';
import express, { type Express } from 'express';
import express4 from 'express4';
import { createTracker, type SessionTracker } from '@stream-sessions/core';
import type { AnnouncedKey, sessionsApi as Api, SessionsApiOptions } from '../src/index.js';
import { type Answer, get } from './support/client.js';
import { closeServers, serve } from './support/serve.js';

let tracker: SessionTracker;
let id: string;
let folder: string;
let printed: string[];
/** As a process that has just started has it. */
let sessionsApi: typeof Api;
const home = process.cwd();

function startProcess(): void {
  jest.isolateModules(() => {
    // eslint-disable-next-line @typescript-eslint/no-require-imports
    ({ sessionsApi } = require('../src/sessions-api/sessions-api') as { sessionsApi: typeof Api });
  });
}

beforeEach(() => {
  tracker = createTracker();
  id = tracker.trackHttp({ stream: 'cam1', protocol: 'hls', ip: '10.0.0.1' })!.id;
  folder = mkdtempSync(join(tmpdir(), 'stream-sessions-key-'));
  process.chdir(folder);
  printed = [];
  jest.spyOn(process.stderr, 'write').mockImplementation((text) => printed.push(String(text)) > 0);
  startProcess();
});
afterEach(async () => {
  await closeServers();
  await tracker.stop();
  process.chdir(home);
  rmSync(folder, { recursive: true, force: true });
});

const KEY = 'k3y-of-the-operator.0123456789';
const FILE = '.stream-sessions-key';
const headerIn = (file: string): Record<string, string> => {
  const [, name, value] = /^(\S+): (.+)\n$/.exec(readFileSync(file, 'utf8')) ?? [];
  return { [name!]: value! };
};
const bearer = (key: string) => ({ authorization: `Bearer ${key}` });
const start = (options?: SessionsApiOptions, app: Express = express()) =>
  serve(app.use('/api', sessionsApi(tracker, options)));
const alive = () => tracker.count({ status: 'active' }) === 1;
const codeOf = ({ text }: Answer): string => (JSON.parse(text) as { error: { code: string } }).error.code;

describe('an API without authorize', () => {
  it('prints its address with a new key once, and writes the key to a file for this user alone', async () => {
    const address = 'http://127.0.0.1:8080/api';
    const { url } = await start({ url: `${address}/` });
    const [, key] = /http:\/\/127\.0\.0\.1:8080\/api\/sessions\?key=([\w-]{32})\n/.exec(printed.join('')) ?? [];
    expect(key).toBeDefined();
    expect(printed.join('').split(key!)).toHaveLength(2);
    expect(printed.join('')).toContain(`curl -H @${join(process.cwd(), FILE)} ${address}/sessions`);
    expect(statSync(FILE).mode & 0o777).toBe(0o600);
    expect(headerIn(FILE)).toEqual({ Authorization: `Bearer ${key}` });
    expect((await get(url, '/api/sessions', headerIn(FILE))).status).toBe(200);
    expect((await get(url, `/api/sessions/${id}`, headerIn(FILE), { method: 'DELETE' })).status).toBe(204);

    startProcess();
    await start({ url: address });
    expect(headerIn(FILE)).not.toEqual({ Authorization: `Bearer ${key}` });
    expect(printed).toHaveLength(2);
  });

  it.each<[string, string]>([
    ['GET', '/sessions'],
    ['HEAD', '/sessions'],
    ['GET', '/sessions/:id'],
    ['GET', '/sessions/:id/explain'],
    ['GET', '/streams'],
    ['GET', '/streams/cam1/sessions'],
    ['GET', '/stats'],
    ['GET', '/denials'],
    ['POST', '/denials'],
    ['POST', '/invalidate'],
    ['POST', '/reauthorize'],
    ['DELETE', '/sessions/:id'],
    ['OPTIONS', '/sessions'],
    ['PURGE', '/sessions/:id'],
  ])('refuses %s %s without the key, even to a caller on this machine', async (method, path) => {
    const { url } = await start({ key: KEY });
    const wrong = [{}, bearer(`${KEY}x`), bearer(KEY.slice(1)), bearer(''), { authorization: KEY }, bearer(`x ${KEY}`)];
    const basic = Buffer.from(`:${KEY}`).toString('base64');
    for (const headers of [...wrong, { authorization: `Basic ${basic}` }, { cookie: `key=${KEY}` }, { 'x-key': KEY }]) {
      const answer = await get(url, `/api${path.replace(':id', id)}`, headers, { method });
      expect(answer).toMatchObject({ status: 401, headers: { 'www-authenticate': 'Bearer' } });
      expect(answer.text).not.toContain(KEY);
    }
    expect([alive(), tracker.denials()]).toEqual([true, []]);
  });

  it('answers a wrong key differently from a missing one', async () => {
    const { url } = await start({ key: KEY });
    expect((await get(url, '/api/stats')).text).toContain('A key is needed');
    expect((await get(url, '/api/stats', bearer('another'))).text).toContain('This is not the key');
    expect((await get(url, '/api/stats', { authorization: `bearer  ${KEY}` })).status).toBe(200);
  });

  it('has one key, one file and one printed line per process, wherever it is mounted', async () => {
    const apis = [await start(), await start(), await serve(connect().use('/api', sessionsApi(tracker) as never))];
    for (const { url } of apis) expect((await get(url, '/api/sessions', headerIn(FILE))).status).toBe(200);
    expect(printed).toHaveLength(1);
    expect(printed[0]).toContain('<where the API is mounted>/sessions?key=');
    expect(readdirSync('.')).toEqual([FILE]);
  });

  it('accepts your own key, which it neither prints nor writes unless told where', async () => {
    const { url } = await start({ key: KEY });
    expect((await get(url, '/api/sessions', bearer(KEY))).status).toBe(200);
    expect([printed, readdirSync('.')]).toEqual([[], []]);
    await start({ key: KEY, keyFile: 'mine', url: 'https://example.org/api' });
    expect([printed, headerIn('mine')]).toEqual([[], { Authorization: `Bearer ${KEY}` }]);
    sessionsApi(tracker, { keyFile: false });
    expect(readdirSync('.')).toEqual(['mine']);
    expect(printed.join('')).not.toContain('scripts');
  });

  it('passes the key to `announce`, and then prints nothing', async () => {
    const told: AnnouncedKey[] = [];
    const announce = (one: AnnouncedKey) => void told.push(one);
    const { url } = await start({ announce });
    expect(told).toEqual([{ key: expect.stringMatching(/^[\w-]{32}$/), file: join(process.cwd(), FILE) }]);
    expect((await get(url, '/api/stats', bearer(told[0]!.key))).status).toBe(200);
    rmSync(FILE);
    mkdirSync(FILE);
    startProcess();
    sessionsApi(tracker, { announce });
    sessionsApi(tracker, { announce, key: KEY });
    expect(told.slice(1)).toEqual([
      { key: expect.any(String), problem: expect.stringContaining('could not be written') },
      { key: KEY },
    ]);
    expect(printed).toEqual([]);
  });

  it.each([
    { announce: true },
    { key: 'too short' },
    { key: '' },
    { key: 'sixteen letters and a blank' },
    { key: 'with-a-line-end-in\r\nit' },
    { key: 'x'.repeat(513) },
    { key: 1234567890123456 },
    { keyFile: true },
    { keyFile: '' },
    { url: '/api' },
    { url: 'ftp://example.org/' },
  ])('refuses %j, and shows no key', (options) => {
    const made = () => sessionsApi(tracker, options as never);
    expect(made).toThrow(expect.objectContaining({ code: 'ERR_BAD_OPTION' }));
    if ('key' in options && options.key) expect(made).not.toThrow(new RegExp(String(options.key)));
  });
});

describe('the file for scripts', () => {
  it('is optional: if it cannot be written, the line says so', async () => {
    mkdirSync(FILE);
    const { url } = await start();
    const [, key] = /key=(\S+)/.exec(printed.join('')) ?? [];
    expect(printed.join('')).toMatch(/No file for scripts: \.stream-sessions-key could not be written \(\w+\)\./);
    expect((await get(url, '/api/sessions', bearer(key!))).status).toBe(200);
    expect(readdirSync('.')).toEqual([FILE]);
  });

  it('is required if it was asked for by name', () => {
    const asked = () => sessionsApi(tracker, { keyFile: 'no/such/folder/key' });
    expect(asked).toThrow(
      expect.objectContaining({ code: 'ERR_KEY_FILE', message: expect.stringContaining('ENOENT') }),
    );
  });

  it('replaces an existing file, and writes nothing through a link', () => {
    writeFileSync('elsewhere', 'as it was', { mode: 0o644 });
    symlinkSync('elsewhere', FILE);
    sessionsApi(tracker);
    expect(readFileSync('elsewhere', 'utf8')).toBe('as it was');
    expect([lstatSync(FILE).isFile(), lstatSync(FILE).mode & 0o777]).toEqual([true, 0o600]);
    writeFileSync('open', '', { mode: 0o666 });
    sessionsApi(tracker, { keyFile: 'open' });
    expect(statSync('open').mode & 0o777).toBe(0o600);
  });
});

it('a key file never takes the place of a device or a pipe, such as /dev/null', () => {
  execFileSync('mkfifo', ['pipe']);
  symlinkSync('pipe', 'link');
  for (const keyFile of ['pipe', 'link']) {
    expect(() => sessionsApi(tracker, { keyFile })).toThrow(
      expect.objectContaining({ code: 'ERR_KEY_FILE', message: expect.stringContaining('not a regular file') }),
    );
  }
  expect([lstatSync('pipe').isFIFO(), lstatSync('link').isSymbolicLink()]).toEqual([true, true]);
});

describe('the address with the key', () => {
  const cookieOf = ({ headers }: Answer): string => headers['set-cookie']![0]!.split(';')[0]!;
  const mounts: [string, (api: ReturnType<typeof Api>) => unknown, string, string][] = [
    ['Express 5', (api) => express().use('/api', api), '/api', '/api'],
    [
      'Express 4, in a router',
      (api) => express4().use('/a', express4.Router().use('/b', api as never)),
      '/a/b',
      '/a/b',
    ],
    ['connect', (api) => connect().use('/api', api as never), '/api', '/api'],
    ['plain http', (api) => (req: never, res: never) => api(req, res), '', '/'],
  ];

  it.each(mounts)(
    'gives a browser a cookie, and redirects to an address without the key: %s',
    async (_name, mount, base, path) => {
      const { url, port } = await serve(mount(sessionsApi(tracker, { key: KEY })) as never);
      const answer = await get(url, `${base}/sessions?status=active&key=${KEY}&limit=5`);
      expect(answer.status).toBe(303);
      expect(new URL(answer.headers.location!, `${url}${base}/sessions`).href).toBe(
        `${url}${base}/sessions?status=active&limit=5`,
      );
      const [cookie] = answer.headers['set-cookie']!;
      expect(cookie).toMatch(new RegExp(`^stream-sessions-${port}=[\\w-]{43}; Path=${path}; HttpOnly; SameSite=Lax$`));
      expect(answer.headers).toMatchObject({ 'referrer-policy': 'no-referrer', 'cache-control': 'no-store' });
      expect(JSON.stringify(answer.headers)).not.toContain(KEY);
      const seen = await get(url, `${base}/sessions`, { cookie: `a=b; ${cookieOf(answer)}` });
      expect([seen.status, seen.headers['referrer-policy']]).toEqual([200, 'no-referrer']);
    },
  );

  it('redirects to where the key was used, and nowhere else', async () => {
    const { url } = await start({ key: KEY });
    for (const [path, location] of [
      [`/api/stats?key=${KEY}`, './stats'],
      [`/api/stats/?key=${KEY}`, './'],
      [`/api/streams/a%2Fb/sessions?key=${KEY}&q=%C3%A9`, './sessions?q=%C3%A9'],
      [`/api/sessions/a:b?key=${KEY}`, './a:b'],
    ]) {
      expect((await get(url, path!)).headers.location).toBe(location);
    }
    expect((await get(url, `/api/stats?key=${KEY}`, {}, { method: 'HEAD' })).status).toBe(303);
    for (const path of ['/api/stats?key=', '/api/stats?key=wrong', `/api/stats?Key=${KEY}`]) {
      const answer = await get(url, path);
      expect([path, answer.status, answer.headers['set-cookie']]).toEqual([path, 401, undefined]);
    }
    expect((await get(url, `/api/stats?key=${KEY}&key=${KEY}`)).status).toBe(400);
    expect((await get(url, `/api/sessions/${id}?key=${KEY}`, {}, { method: 'DELETE' })).status).toBe(401);
    expect(alive()).toBe(true);
  });

  it('has no effect if authorize decides', async () => {
    const { url } = await start({ authorize: () => true });
    expect((await get(url, `/api/sessions?key=${KEY}`)).status).toBe(400);
  });

  it('limits the cookie to TLS if it was opened over TLS', async () => {
    const app = express().set('trust proxy', true);
    const { url } = await start({ key: KEY }, app as Express);
    const answer = await get(url, `/api/stats?key=${KEY}`, { 'x-forwarded-proto': 'https' });
    expect(answer.headers['set-cookie']![0]).toMatch(/; Secure$/);
  });

  it('gives a cookie that is not valid as a key, and not valid after the key has changed', async () => {
    const { url } = await start({ key: KEY });
    const cookie = cookieOf(await get(url, `/api/stats?key=${KEY}`));
    expect((await get(url, '/api/stats', bearer(cookie.split('=')[1]!))).status).toBe(401);
    const other = await start({ key: `${KEY}-2` });
    const renamed = cookie.replace(/-\d+=/, `-${other.port}=`);
    expect((await get(other.url, '/api/stats', { cookie: renamed })).status).toBe(401);
    expect((await get(url, '/api/stats', { cookie: `${cookie}; ${cookie}x` })).status).toBe(401);
  });

  const foreign = [
    { 'sec-fetch-site': 'cross-site', origin: 'https://example.com' },
    { 'sec-fetch-site': 'same-site', origin: 'http://127.0.0.1:3000' },
    { origin: 'http://127.0.0.1:3000' },
    { origin: 'null' },
  ];
  it.each(foreign)('does not help a page of another origin, even if the browser sends the cookie: %j', async (from) => {
    // an app that lets every page read, with cookies
    const app = express().use(({ headers: { origin = '*' } }, res, next) => {
      res.set({ 'Access-Control-Allow-Origin': origin, 'Access-Control-Allow-Credentials': 'true' });
      next();
    });
    const { url } = await start({ key: KEY }, app as Express);
    const cookie = cookieOf(await get(url, `/api/stats?key=${KEY}`));
    for (const [method, path] of [
      ['GET', '/api/sessions'],
      ['DELETE', `/api/sessions/${id}`],
      ['POST', '/api/invalidate'],
    ] as const) {
      for (const headers of [from, { ...from, cookie }]) {
        const answer = await get(url, path, headers as never, { method });
        expect([answer.status, codeOf(answer)]).toEqual([401, 'UNAUTHORIZED']);
        expect(answer.text).not.toContain('cam1');
      }
    }
    expect(alive()).toBe(true);
  });

  it('lets its own page read and write, and requests of unknown origin read', async () => {
    const { url } = await start({ key: KEY });
    const cookie = cookieOf(await get(url, `/api/stats?key=${KEY}`));
    const kick = (headers: object) => get(url, `/api/sessions/${id}`, { cookie, ...headers }, { method: 'DELETE' });
    expect((await get(url, '/api/sessions', { cookie })).status).toBe(200);
    expect((await kick({})).status).toBe(401);
    expect(alive()).toBe(true);
    expect((await kick({ origin: url })).status).toBe(204);
    expect((await kick({ 'sec-fetch-site': 'same-origin', origin: 'https://public.example' })).status).toBe(404);
    const visit = { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'document' };
    expect((await get(url, '/api/sessions', { cookie, ...visit })).status).toBe(200);
  });
});
