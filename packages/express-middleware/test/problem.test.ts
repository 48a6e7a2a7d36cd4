import express from 'express';
import { createTracker, type DenialKind, type Policy, type SessionTracker } from '@stream-sessions/core';
import { concurrencyPolicy, type ConcurrencyOptions } from '@stream-sessions/policies';
import { trackPlayback } from '../src/index.js';
import { get } from './support/client.js';
import { closeServers, serve } from './support/serve.js';

let tracker: SessionTracker;

afterEach(async () => {
  await closeServers();
  await tracker.stop();
});

/** A player of a server with these policies, which asks for JSON unless told otherwise. */
async function playerOf(...policies: Policy[]) {
  tracker = createTracker({ policies });
  const app = express().use(trackPlayback(tracker), (_req, res) => void res.send('media'));
  const { url } = await serve(app);
  return (path: string, headers: Record<string, string> = {}) =>
    get(url, path, { accept: 'application/json', ...headers });
}
const refuses = (no: object): Policy => ({
  name: 'no',
  admit: () => ({ allow: false, reason: 'unauthorized', detail: 'for operators', ...no }),
});

describe('a refused player that asks for JSON', () => {
  it.each([
    ['credentials', 401, 'Unauthorized'],
    ['forbidden', 403, 'Forbidden'],
    ['limit', 429, 'Too Many Requests'],
    ['overload', 503, 'Service Unavailable'],
  ] as [DenialKind, number, string][])(
    'gets a denial of kind %s as problem details of RFC 9457',
    async (kind, status, title) => {
      const play = await playerOf(refuses({ kind, denyForMs: 90_000, remaining: { seconds: 0 } }));
      const { headers, text, ...answer } = await play('/cam1/a.m3u8?token=s3cret');
      expect(answer.status).toBe(status);
      expect(headers).toMatchObject({ 'content-type': 'application/problem+json', vary: 'Accept', 'cache-control': 'no-store' }); // prettier-ignore
      const retryAfter = Number(headers['retry-after']);
      const members = { type: 'about:blank', title, status, reason: 'unauthorized', retry_after: retryAfter };
      expect(JSON.parse(text)).toEqual({
        ...members,
        detail: expect.stringMatching(/^[A-Z].*\.$/),
        remaining: { seconds: 0 },
      });
      expect(retryAfter).toBeGreaterThan(88);
      expect(text).not.toMatch(/operators|s3cret/);
    },
  );

  it.each([
    ['application/json', true],
    ['application/problem+json', true],
    ['application/*', true],
    ['application/json, text/plain, */*', true],
    ['text/plain;q=0.4, application/json;q=0.5', true],
    ['text/plain, application/json;q=0.9', false],
    ['application/json;q=0', false],
    ['text/html, */*;q=0.1', false],
    ['*/*', false],
    ['', false],
    ['image/png', false],
    [';;,,"', false],
    [`${'a/b,'.repeat(100)}application/json`, false], // longer than anybody's
  ])('is recognised by Accept: %s: %s', async (accept, json) => {
    const play = await playerOf(refuses({}));
    const { headers, text } = await play('/cam1/a.m3u8', { accept });
    expect(headers['content-type']).toBe(json ? 'application/problem+json' : 'text/plain; charset=utf-8');
    expect(headers.vary).toBe('Accept');
    expect(headers['content-length']).toBe(String(Buffer.byteLength(text)));
  });

  it('gets refusals of requests that are not for media in the same form', async () => {
    const play = await playerOf({ name: 'all', stage: 'authorise', admit: () => ({ allow: true }) });
    const { url } = await serve(express().use(trackPlayback(tracker)));
    const post = await fetch(`${url}/cam1/a.m3u8`, { method: 'POST', headers: { accept: 'application/json' } });
    const answers = [
      await play('/cam1\\a.m3u8'),
      await play('/a.key'),
      { status: post.status, text: await post.text() },
    ];
    expect(answers.map(({ status, text }) => [status, JSON.parse(text)])).toEqual([
      [400, { type: 'about:blank', title: 'Bad Request', status: 400, reason: 'bad_path', detail: 'Invalid media path.' }],
      [403, { type: 'about:blank', title: 'Forbidden', status: 403, reason: 'no_stream', detail: 'This file belongs to no stream.' }],
      [405, { type: 'about:blank', title: 'Method Not Allowed', status: 405, reason: 'bad_method', detail: 'Use GET to play media.' }],
    ]); // prettier-ignore
    expect(post.headers.get('allow')).toBe('GET, HEAD, OPTIONS');
  });
});

describe('the device that occupies the slot', () => {
  /** Tokens are "user-device". */
  const login: Policy = {
    name: 'login',
    stage: 'authorise',
    admit: ({ token }) => (token ? { allow: true, userId: token.split('-')[0] ?? '' } : { allow: true }),
  };
  const limited = (options: Partial<ConcurrencyOptions> = {}) =>
    playerOf(login, concurrencyPolicy({ max: 1, graceMs: 60_000, ...options }));
  const living = { cookie: 'token=ann-tv', 'user-agent': 'living room' };

  it('is named to the second device of the same user', async () => {
    const play = await limited();
    expect((await play('/cam1/a.m3u8', living)).status).toBe(200);
    const { status, text } = await play('/cam1/a.m3u8', { cookie: 'token=ann-phone', 'user-agent': 'phone' });
    const [tv] = tracker.list();
    expect([status, JSON.parse(text)]).toEqual([
      429,
      expect.objectContaining({
        reason: 'limit',
        retry_after: 1,
        conflicts: [
          { id: tv?.id, proto: 'hls', since: new Date(tv?.openedAt ?? 0).toISOString(), user_agent: 'living room' },
        ],
      }),
    ]);
  });

  it('is not named to a stranger who gives the name of another user', async () => {
    // who says to be ann takes a place of ann's, and nobody has vouched for it
    tracker = createTracker({ policies: [login, concurrencyPolicy({ max: 1, graceMs: 60_000 })] });
    const app = express().use(
      trackPlayback(tracker, {
        hit: (req, hit) => ({ ...hit, userId: req.headers['x-user'] as string }) as typeof hit,
      }),
      (_req, res) => void res.send('media'),
    );
    const { url } = await serve(app);
    const accept = { accept: 'application/json' };
    expect((await get(url, '/cam1/a.m3u8', { ...living, ...accept })).status).toBe(200);
    const { status, text } = await get(url, '/cam1/a.m3u8', { 'x-user': 'ann', 'user-agent': 'stranger', ...accept });
    expect(status).toBe(429);
    expect(JSON.parse(text)).not.toHaveProperty('conflicts');
    expect(text).not.toContain('living');
  });

  it.each([
    ['ip', '/cam2/a.m3u8', 'token=ann-phone'],
    ['token', '/cam2/a.m3u8', living.cookie],
    ['stream', '/cam1/a.m3u8', 'token=ann-phone'],
  ] as const)('is not named where the limit is per %s', async (per, path, cookie) => {
    const play = await limited({ per });
    expect((await play('/cam1/a.m3u8', living)).status).toBe(200);
    const { status, text } = await play(path, { cookie, 'user-agent': 'phone' });
    expect([status, JSON.parse(text).reason]).toEqual([429, 'limit']);
    expect(text).not.toMatch(/conflicts|living/);
  });
});
