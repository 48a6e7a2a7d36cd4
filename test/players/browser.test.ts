import type { Browser, Page } from 'playwright-core';
import type { WireSession } from '@stream-sessions/core';
import { launchChromium, playsOn, sidOf, stateOf } from './support/browser.js';
import { dispose, startLiveOrigin, type LiveOrigin } from './support/live-origin.js';
import { bodyBytes, startRecordingProxy, type Recorded, type RecordingProxy } from './support/recording-proxy.js';
import { until } from './support/until.js';

const PLAYERS = ['hls', 'dash'] as const;
type Player = (typeof PLAYERS)[number];

let origin: LiveOrigin;
let proxy: RecordingProxy;
let browser: Browser;

beforeAll(async () => {
  [origin, browser] = await Promise.all([startLiveOrigin(), launchChromium()]);
  proxy = await startRecordingProxy(origin.url);
});

afterAll(async () => {
  await browser?.close();
  await proxy?.stop();
  await dispose(origin);
});

/** A page of its own, and with it a browser profile and a user agent of its own: the tests do not know each other's viewers. */
async function open(name: string, path = ''): Promise<Page> {
  const context = await browser.newContext({ userAgent: name });
  const page = await context.newPage();
  await page.goto(proxy.url + path);
  return page;
}

const live = async (userAgent: string): Promise<WireSession[]> =>
  (await origin.sessions('?status=active')).filter((session) => session.user_agent === userAgent);

const mediaRequests = (part: string): Recorded[] =>
  proxy.requests.filter(({ method, url }) => method === 'GET' && url.startsWith('/live/') && url.includes(part));

const stopPlayer = (page: Page, player: Player) => page.locator(`[data-player=${player}] .power`).click();

async function choose(page: Page, player: Player, what: 'quality' | 'format', label: RegExp): Promise<void> {
  const select = page.locator(`[data-player=${player}] .${what}`);
  const options = await until(`${player} offers a ${what} ${String(label)}`, async () => {
    const all = await select.locator('option').allTextContents();
    return all.some((option) => label.test(option)) && all;
  });
  await select.selectOption({ label: options.find((option) => label.test(option))! });
}

describe('hls.js and dash.js on the page', () => {
  let page: Page;
  let sids: Record<Player, string>;
  const sessionOf = async (player: Player) =>
    (await live('page')).filter(({ user_name }) => user_name === sids[player]);

  beforeAll(async () => {
    page = await open('page');
    await Promise.all(PLAYERS.map((player) => playsOn(page, player)));
    sids = { hls: await sidOf(page, 'hls'), dash: await sidOf(page, 'dash') };
  });

  it('are one session each, named by their CMCD sid', async () => {
    const sessions = await live('page');
    expect(sessions.map(({ user_name }) => user_name).sort()).toEqual(Object.values(sids).sort());
    for (const player of PLAYERS) {
      expect(await sessionOf(player)).toEqual([
        expect.objectContaining({ stream_code: 'demo', protos: [player], named_by: 'cmcd', ip: '127.0.0.1' }),
      ]);
    }
  });

  it('stay one session each when they switch the rendition', async () => {
    const before = (await live('page')).map(({ id }) => id).sort();
    await choose(page, 'hls', 'quality', /^180p/);
    await choose(page, 'dash', 'quality', /^180p/);
    await until('both load the small rendition', () =>
      [/\/ts\/low-\d+\.ts/, /\/dash\/chunk-stream1-/].every((url) =>
        mediaRequests('').some((each) => url.test(each.url)),
      ),
    );
    await Promise.all(PLAYERS.map((player) => playsOn(page, player)));
    expect((await live('page')).map(({ id }) => id).sort()).toEqual(before);
  });

  it('stay one session each when hls.js changes from TS to fMP4 segments, which count as HLS', async () => {
    const before = (await live('page')).map(({ id }) => id).sort();
    await choose(page, 'hls', 'format', /fMP4/);
    await until(
      'hls.js loads fMP4',
      () => mediaRequests('/fmp4/').filter(({ url }) => url.includes('.m4s')).length >= 3,
    );
    await playsOn(page, 'hls');
    expect((await live('page')).map(({ id }) => id).sort()).toEqual(before);
    expect((await sessionOf('hls'))[0]!.protos).toEqual(['hls']);
    expect((await sessionOf('dash'))[0]!.protos).toEqual(['dash']);
  });

  it.each(PLAYERS)('have every body byte of %s counted, and no more', async (player) => {
    await stopPlayer(page, player);
    const mine = () => mediaRequests(sids[player]);
    await until('nothing is on its way any more', () => mine().every(({ complete }) => complete));
    const expected = bodyBytes(mine());
    expect(expected).toBeGreaterThan(200_000);
    expect((await sessionOf(player)).map(({ bytes }) => bytes)).toEqual([expected]);
  });
});

describe('without CMCD', () => {
  it('the two players of a page are one viewer with two protocols', async () => {
    const page = await open('nameless', '?cmcd=off');
    await Promise.all(PLAYERS.map((player) => playsOn(page, player)));

    const sessions = await live('nameless');
    expect(sessions).toEqual([expect.objectContaining({ named_by: 'fingerprint' })]);
    expect([...sessions[0]!.protos].sort()).toEqual(['dash', 'hls']);
    await page.context().close();
  });
});

describe('hls.js alone', () => {
  const names = [
    { name: 'a token on the playlist only', query: '?token=carol', config: {}, namedBy: 'token' },
    {
      name: 'a CMCD sid on the playlist only',
      query: `?CMCD=${encodeURIComponent('sid="dave-1"')}`,
      config: {},
      namedBy: 'cmcd',
    },
    // its CMCD as it comes: everything carries the sid but the very first request
    { name: 'its own CMCD', query: '', config: { cmcd: { sessionId: 'erin-1' } }, namedBy: 'cmcd' },
  ];

  it.each(names)('is one session with $name', async ({ name, query, config, namedBy }) => {
    const page = await open(name, 'style.css'); // any document of the origin, but without its players
    await page.addScriptTag({ url: `${proxy.url}lib/hls.js` });
    await page.evaluate(`{
      const video = document.body.appendChild(document.createElement('video'));
      video.muted = true;
      const hls = new Hls(${JSON.stringify(config)});
      hls.loadSource('/live/demo/ts/master.m3u8${query}');
      hls.attachMedia(video);
      video.play();
    }`);
    await until('it plays', () => page.locator('video').evaluate((video: any) => video.currentTime > 2));
    const ofPlayer = () => proxy.requests.filter((each) => each.userAgent === name && each.url.startsWith('/live/'));
    await until('it plays on', () => ofPlayer().filter(({ url }) => url.includes('.ts')).length > 2);
    await page.goto('about:blank');

    const mine = ofPlayer();
    await until('nothing is on its way any more', () => mine.every(({ complete }) => complete));
    const segments = mine.filter(({ url }) => url.includes('.ts'));
    expect(segments.every(({ url }) => url.includes('sid') === 'cmcd' in config)).toBe(true);
    expect(mine.filter(({ url }) => url.endsWith(`/master.m3u8${query}`)).length).toBe(1);
    expect(await live(name)).toEqual([
      expect.objectContaining({ named_by: namedBy, protos: ['hls'], bytes: bodyBytes(mine) }),
    ]);
    await page.context().close();
  });
});

describe.each([
  ['hls', 'dash'],
  ['dash', 'hls'],
] as const)('%s, kicked', (kicked, other) => {
  it('gets 403 on its very next request and stays out, and the other player of the page plays on', async () => {
    const userAgent = `kicked ${kicked}`;
    const page = await open(userAgent);
    await Promise.all(PLAYERS.map((player) => playsOn(page, player)));
    const sid = await sidOf(page, kicked);
    const session = (await live(userAgent)).find(({ user_name }) => user_name === sid);

    expect((await origin.api('DELETE', `sessions/${session!.id}`)).status).toBe(204);
    const kickedAt = Date.now();
    const after = () => mediaRequests(sid).filter(({ at, status }) => at > kickedAt && status !== 0);
    await until('the page says so', async () => (await stateOf(page, kicked)) === 'refused');
    await page.locator(`[data-player=${kicked}] .retry`).click();
    await until('it was refused again', async () => after().length >= 2 && (await stateOf(page, kicked)) === 'refused');
    expect(new Set(after().map(({ status }) => status))).toEqual(new Set([403]));

    await playsOn(page, other, 3);
    expect((await live(userAgent)).map(({ user_name }) => user_name)).toEqual([await sidOf(page, other)]);
    await page.context().close();
  }, 60_000);
});
