import https from 'node:https';
import express from 'express';
import fc from 'fast-check';
import { createTracker, type SessionTracker } from '@stream-sessions/core';
import { trackPlayback, type ViewerTokenOptions } from '../src/index.js';
import { cookieValue } from '@stream-sessions/core/spi';
import { tokenSettings } from '../src/tokens/options.js';
import { tokenReader } from '../src/tokens/reader.js';
import { selfSigned } from '../../../test/support/certificate.js';
import { get } from './support/client.js';
import { closeServers, listen, serve } from './support/serve.js';

const MEDIA = '#EXTM3U\n#EXTINF:4,\nseg0.ts\n';
let tracker: SessionTracker;
beforeEach(() => {
  tracker = createTracker();
});
afterEach(async () => {
  await closeServers();
  await tracker.stop();
});

const app = (viewerToken: ViewerTokenOptions) =>
  express()
    .use(trackPlayback(tracker, { viewerToken }))
    .get('/cam1/refused.m3u8', (_req, res) => void res.status(403).end())
    .get(/m3u8$/, (_req, res) => void res.set('Set-Cookie', 'app=1').send(MEDIA))
    .get(/ts$/, (_req, res) => void res.send('segment'));
const start = async (viewerToken: ViewerTokenOptions = { writeCookie: true }) => (await serve(app(viewerToken))).url;
const PLAYLIST = '/cam1/index.m3u8';
const given = (setCookie: string[] | undefined) =>
  (setCookie ?? []).map((each) => /^tkn=([0-9a-f]{32})(; .*)$/.exec(each)).find((found) => found !== null) ?? [];

describe('the cookie of a viewer', () => {
  it('is random, for ten minutes, and HttpOnly', async () => {
    const url = await start();
    const { headers } = await get(url, PLAYLIST, { 'user-agent': 'a' });
    const [, token, attributes] = given(headers['set-cookie']);
    expect(token).toBeDefined();
    expect(attributes).toBe('; Path=/; Max-Age=600; HttpOnly; SameSite=Lax');
    expect(headers['cache-control']).toBe('no-store');
    const other = await get(url, PLAYLIST, { 'user-agent': 'b' });
    expect(given(other.headers['set-cookie'])[1]).not.toBe(token);
  });

  it('is sent across sites only over HTTPS', async () => {
    const port = await listen(https.createServer(selfSigned(), app({ writeCookie: true })));
    const cookies = await new Promise<string[] | undefined>((resolve, reject) => {
      const options = { port, path: PLAYLIST, rejectUnauthorized: false, agent: false as const };
      https.get(options, (res) => resolve(res.resume().headers['set-cookie'])).on('error', reject);
    });
    expect(given(cookies)[2]).toBe('; Path=/; Max-Age=600; HttpOnly; SameSite=None; Secure');
  });

  it('is renewed with each playlist, and not sent with segments', async () => {
    const url = await start();
    const first = given((await get(url, PLAYLIST)).headers['set-cookie'])[1]!;
    const again = await get(url, PLAYLIST, { cookie: `a=b; tkn=${first}` });
    expect(given(again.headers['set-cookie'])[1]).toBe(first);
    expect((await get(url, '/cam1/seg0.ts', { cookie: `tkn=${first}` })).headers['set-cookie']).toBeUndefined();
    expect(tracker.list()).toMatchObject([{ namedBy: 'token' }]);
  });

  it('is not given to viewers with a token, and cannot be chosen by a client', async () => {
    const url = await start();
    expect(given((await get(url, `${PLAYLIST}?token=chosen`)).headers['set-cookie'])).toEqual([]);
    expect((await get(url, PLAYLIST, { cookie: 'tkn=chosen' })).text).toBe(MEDIA);
    expect((await get(url, PLAYLIST, { cookie: 'tkn=chosen' })).headers['set-cookie']).toEqual(['app=1']);
    const basic = `Basic ${Buffer.from('a:b').toString('base64')}`;
    expect((await get(url, PLAYLIST, { authorization: basic })).headers['set-cookie']).toEqual(['app=1']);
  });

  it('tells two viewers of one address and player apart', async () => {
    const url = await start();
    const one = given((await get(url, PLAYLIST)).headers['set-cookie'])[1]!;
    await get(url, '/cam1/media.m3u8', { cookie: `tkn=${one}` });
    const other = given((await get(url, PLAYLIST)).headers['set-cookie'])[1]!;
    await get(url, '/cam1/seg0.ts', { cookie: `tkn=${other}` });
    expect(one).not.toBe(other);
    expect(tracker.list()).toHaveLength(2);
  });

  it('makes no new viewer with each playlist if a player drops it', async () => {
    const url = await start();
    const tokens = new Set<string>();
    for (let i = 0; i < 5; i++) {
      tokens.add(given((await get(url, PLAYLIST)).headers['set-cookie'])[1]!);
      await get(url, '/cam1/seg0.ts');
    }
    expect(tokens.size).toBe(1);
    expect(tracker.list()).toHaveLength(1);
  });

  it('is also in the playlist if both are written, so the viewer survives a lost cookie', async () => {
    const url = await start({ writeCookie: true, writeUrl: true });
    const { headers, text } = await get(url, PLAYLIST);
    const token = given(headers['set-cookie'])[1];
    expect(text).toContain(`seg0.ts?tkn=${token}\n`);
    await get(url, `/cam1/seg0.ts?tkn=${token}`);
    expect(tracker.list()).toMatchObject([{ namedBy: 'token' }]);
  });

  it('authorises nothing', async () => {
    const admit = ({ token }: { token?: string | undefined }) =>
      token === 'ticket' ? { allow: true as const } : { allow: false as const, reason: 'unauthorized' };
    tracker.updateConfig({ policies: [{ name: 'doorman', stage: 'authorise', admit }] });
    const url = await start({ writeCookie: true, writeUrl: true });
    const first = await get(url, PLAYLIST);
    expect([first.status, first.headers['set-cookie']]).toEqual([403, undefined]);
    const forged = 'ab'.repeat(16);
    expect((await get(url, PLAYLIST, { cookie: `tkn=${forged}` })).status).toBe(403);
    expect((await get(url, `${PLAYLIST}?tkn=${forged}`)).status).toBe(403);
  });

  it('has the name given by the option', async () => {
    const url = await start({ writeCookie: true, cookie: 'viewer' });
    const { headers } = await get(url, PLAYLIST);
    expect(headers['set-cookie']).toEqual(['app=1', expect.stringMatching(/^viewer=[0-9a-f]{32}; /)]);
  });
});

describe('the options of viewerToken', () => {
  const read = (options: ViewerTokenOptions, query: string, cookie?: string) =>
    tokenReader(tokenSettings(options)).read(query, cookie);

  it.each<[ViewerTokenOptions, string, string | undefined, string | undefined]>([
    [{}, 'token=a', 'token=b', 'a'],
    [{}, 'tkn=a', 'token=b', 'a'],
    [{}, 'tkn=a&token=b', undefined, 'b'],
    [{}, 'token=a&token=b&tkn=c', undefined, 'c'],
    [{}, 'token=', 'token=b', 'b'],
    [{}, '', 'token=b; token=c; tkn=d', 'd'],
    [{ readUrl: false }, 'token=a', 'token=b', 'b'],
    [{ readCookie: false }, '', 'token=b', undefined],
    [{ parameter: 'k' }, 'k=a&token=b', undefined, 'a'],
    [{ parameter: 'k' }, 'token=b', undefined, undefined],
    [{ cookie: 'k' }, '', 'token=b; k=a', 'a'],
    [{}, `token=${'a'.repeat(4097)}`, 'tkn=b', 'b'],
  ])('%j reads ?%s with %s as %s', (options, query, cookie, token) => expect(read(options, query, cookie)).toBe(token));

  it('may name a parameter, whose value is also hidden in the address of the page', async () => {
    const app = express().use('/live', trackPlayback(tracker, { viewerToken: { parameter: 'v.k' } }));
    const { url } = await serve(app.use((_req, res) => void res.send(MEDIA)));
    const referer = 'https://site/watch?a=1&v.k=older-secret&vxk=2#V.K=oldest-secret';
    await get(url, '/live/cam1/index.m3u8?v.k=secret', { referer });
    const [session] = tracker.list();
    expect(session?.referer).toMatch(/^https:\/\/site\/watch\?a=1&v\.k=[\w-]{8}&vxk=2#V\.K=[\w-]{8}$/);
    expect(session?.query).toBe(`v.k=${session?.tokenFingerprint}`);
  });

  it.each<[unknown, string]>([
    [null, 'viewerToken'],
    [{ parameter: '' }, 'viewerToken.parameter'],
    [{ parameter: 'a&b' }, 'viewerToken.parameter'],
    [{ cookie: 'a;b' }, 'viewerToken.cookie'],
    [{ writeUrl: 'yes' }, 'viewerToken.writeUrl'],
    [{ writeURL: true }, 'Did you mean "writeUrl"'],
  ])('are rejected if they are wrong: %j', (viewerToken, words) => {
    const make = () => trackPlayback(tracker, { viewerToken: viewerToken as never });
    expect(make).toThrow(expect.objectContaining({ code: 'ERR_BAD_OPTION', message: expect.stringContaining(words) }));
  });
});

describe('any cookie header', () => {
  it('is read safely, and never gives a token that is not in it', () => {
    const bits = fc.constantFrom('token', 'tkn', '=', ';', ' ', '"', '%41', '%', 'x', 'token=a', 'tkn="b"');
    fc.assert(
      fc.property(fc.array(fc.oneof(bits, fc.string({ unit: 'binary' }))), (parts) => {
        const header = parts.join('');
        const reader = tokenReader(tokenSettings());
        const token = reader.read('', header);
        if (token === undefined) return;
        const pairs = header.split(';').map((pair) => pair.trim());
        const values = pairs
          .filter((pair) => /^(?:token|tkn)=/.test(pair))
          .map((pair) => cookieValue(pair, pair.split('=')[0]!)?.trim());
        expect(values).toContain(token);
      }),
      { numRuns: 2000 },
    );
  });
});
