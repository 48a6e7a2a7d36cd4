import type { Browser, BrowserContext } from 'playwright-core';
import { createTracker, type PlaySession, type Policy, type SessionTracker } from '@stream-sessions/core';
import { attachRtmp, type Attachment } from '@stream-sessions/rtmp-adapter';
import { startServer4, type Server4 } from '../../packages/rtmp-adapter/test/support/server-4.js';
import { launchChromium } from './support/browser.js';
import { endPlayers, playWithFfmpeg } from './support/ffmpeg-player.js';
import { startTokenServer, type Asked, type TokenServer } from './support/token-server.js';
import { until } from './support/until.js';

const TICKET = 'ticket & more="1"';
/** Every viewer has its own ticket. */
const ticketOf = (name: string) => `${TICKET} ${name}`;
const query = (name: string) => `token=${encodeURIComponent(ticketOf(name))}`;
const SECONDS = 4;

/** Who has a ticket may watch; publishers need none. */
const doorman: Policy = {
  name: 'doorman',
  stage: 'authorise',
  admit: ({ token, kind }) =>
    kind === 'input' || token?.startsWith(TICKET)
      ? { allow: true, userId: 'ann' }
      : { allow: false, reason: 'unauthorized', kind: 'credentials', denyForMs: 0 },
};

let guarded: SessionTracker;
let open: SessionTracker;
let rtmp: Server4;
let attachment: Attachment;
let server: TokenServer;
let browser: Browser;

beforeAll(async () => {
  guarded = createTracker({ policies: [doorman], identity: { mergeConnections: true } });
  open = createTracker();
  rtmp = await startServer4((nms) => (attachment = attachRtmp(nms, guarded)));
  [server, browser] = await Promise.all([
    startTokenServer(
      [
        ['/guarded', guarded],
        ['/open', open, { writeCookie: true, writeUrl: true }],
        ['/cookies', open, { writeCookie: true }],
      ],
      [`rtmp://127.0.0.1:${rtmp.rtmp}/live/demo`],
    ),
    launchChromium(),
  ]);
});

afterAll(async () => {
  endPlayers();
  await browser?.close();
  await server?.stop();
  await attachment?.detach();
  await rtmp?.stop();
  await Promise.all([guarded?.stop(), open?.stop()]);
});

const sessionsOf = (userAgent: string, tracker = guarded): PlaySession[] =>
  tracker.list({ kind: 'viewer' }).filter((session) => session.userAgent === userAgent);
const askedBy = (userAgent: string): Asked[] => server.asked.filter((each) => each.userAgent === userAgent);
const segments = (asked: readonly Asked[]) => asked.filter(({ url }) => /\.(?:ts|m4s)(?:\?|$)/.test(url));
/** What it was answered; a part of a file, or that it has it already, is as good as all of it. */
const answers = (userAgent: string) => {
  const media = askedBy(userAgent).filter(({ url }) => url.includes('/demo/'));
  return [...new Set(media.map(({ status }) => (status === 206 || status === 304 ? 200 : status)))];
};

/** The clock is that of this server, not of a time service elsewhere. */
const DASH_SETTINGS = {
  delay: { liveDelay: 4, useSuggestedPresentationDelay: false },
  utcSynchronization: { defaultTimingSource: { scheme: 'urn:mpeg:dash:utc:http-head:2014', value: '/time' } },
};

/** Opens a page with one player of the kind, which plays what is at the path. */
async function play(context: BrowserContext, player: 'hls' | 'dash', path: string, cmcd?: object) {
  const page = await context.newPage();
  await page.goto(`${server.url}/page`);
  await page.addScriptTag({ url: `${server.url}/${player}.js` });
  await page.evaluate(
    player === 'hls'
      ? `{ const hls = new Hls(${JSON.stringify({ cmcd })}); hls.loadSource('${path}'); hls.attachMedia(document.querySelector('video')); }`
      : `{ const dash = dashjs.MediaPlayer().create();
          dash.updateSettings(${JSON.stringify({ streaming: { ...DASH_SETTINGS, cmcd } })});
          dash.initialize(document.querySelector('video'), '${path}', true); }`,
  );
  await page.evaluate(`document.querySelector('video').play().catch(() => undefined)`);
  const reached = () => page.locator('video').evaluate((video: any) => video.currentTime as number);
  const playsFor = async (seconds: number) => {
    const from = await until('it plays', reached, { timeoutMs: 25_000 });
    await until('it plays on', async () => (await reached()) > from + seconds, { timeoutMs: 25_000 });
  };
  return { page, playsFor };
}

const WAYS = [
  { name: 'HLS with TS segments', path: 'demo/ts/master.m3u8', protocols: ['hls'] },
  { name: 'HLS with fMP4 segments', path: 'demo/fmp4/master.m3u8', protocols: ['hls'] },
  { name: 'DASH', path: 'demo/dash/manifest.mpd', protocols: ['dash'] },
];

describe('ffmpeg with a ticket on the playlist only, behind an authorising policy', () => {
  let ends: { code: number | null; stderr: string }[];
  let refused: { code: number | null; stderr: string };
  beforeAll(async () => {
    const at = (path: string) => `${server.url}/guarded/${path}`;
    const tickets = WAYS.map(({ name, path }) =>
      playWithFfmpeg(`${at(path)}?${query(name)}`, { userAgent: name, seconds: SECONDS }),
    );
    const [without, ...players] = [playWithFfmpeg(at(WAYS[0]!.path), { userAgent: 'without' }), ...tickets];
    refused = await without.ended;
    ends = await Promise.all(players.map(({ ended }) => ended));
  });

  it.each(WAYS.map((way, i) => [way.name, way, i] as const))('plays %s as one viewer', (name, { protocols }, i) => {
    expect(ends[i]).toMatchObject({ code: 0 });
    expect(answers(name)).toEqual([200]);
    const media = segments(askedBy(name));
    expect(media.length).toBeGreaterThan(3);
    for (const { url } of media) expect(new URLSearchParams(url.split('?')[1]).getAll('tkn')).toEqual([ticketOf(name)]);
    expect(sessionsOf(name)).toMatchObject([{ userId: 'ann', namedBy: 'token', protocols }]);
  });

  it('plays nothing without a ticket', () => {
    expect(refused.code).not.toBe(0);
    expect(answers('without')).toEqual([401]);
    expect(sessionsOf('without')).toEqual([]);
  });
});

describe.each([
  ['hls', 'demo/ts/master.m3u8'],
  ['dash', 'demo/dash/manifest.mpd'],
] as const)('%s.js with a ticket on the manifest only, behind an authorising policy', (player, path) => {
  it('plays on, as one viewer', async () => {
    const userAgent = `guarded ${player}`;
    const context = await browser.newContext({ userAgent });
    const { playsFor } = await play(context, player, `/guarded/${path}?${query(userAgent)}`);
    await playsFor(2.5);
    await context.close();
    const media = segments(askedBy(userAgent));
    expect(media.length).toBeGreaterThan(2);
    expect(media.every(({ url }) => url.includes(`tkn=${encodeURIComponent(TICKET)}`))).toBe(true);
    expect(answers(userAgent)).toEqual([200]);
    expect(sessionsOf(userAgent)).toMatchObject([{ userId: 'ann', namedBy: 'token', protocols: [player] }]);
  }, 60_000);
});

describe('a viewer', () => {
  it('who goes from HLS to DASH to RTMP with its ticket stays one viewer', async () => {
    const opened: PlaySession[] = [];
    const unlisten = guarded.on('opened', ({ session }) => opened.push(session));
    for (const path of ['demo/ts/master.m3u8', 'demo/dash/manifest.mpd']) {
      const { ended } = playWithFfmpeg(`${server.url}/guarded/${path}?${query('hopper')}`, {
        userAgent: 'hopper',
        seconds: 2,
      });
      expect(await ended).toMatchObject({ code: 0 });
    }
    const { ended } = playWithFfmpeg(`rtmp://127.0.0.1:${rtmp.rtmp}/live/demo?${query('hopper')}`, { seconds: 2 });
    expect(await ended).toMatchObject({ code: 0 });
    unlisten();
    expect(opened.filter(({ kind }) => kind === 'viewer')).toHaveLength(1);
    const [viewer] = guarded.list({ protocol: 'rtmp', kind: 'viewer' });
    expect(viewer).toMatchObject({ protocols: ['hls', 'dash', 'rtmp'], userId: 'ann', id: opened[0]!.id });
  }, 60_000);

  it('who loses the cookie during playback stays one viewer through the playlist', async () => {
    const context = await browser.newContext({ userAgent: 'forgetful' });
    const { playsFor } = await play(context, 'hls', '/open/demo/ts/master.m3u8');
    await playsFor(1);
    expect((await context.cookies()).map(({ name, httpOnly }) => ({ name, httpOnly }))).toEqual([
      { name: 'tkn', httpOnly: true },
    ]);
    const before = segments(askedBy('forgetful')).length;
    await context.clearCookies();
    await until('it has loaded more', () => segments(askedBy('forgetful')).length > before + 2);
    await context.close();
    expect(sessionsOf('forgetful', open)).toMatchObject([{ namedBy: 'token', protocols: ['hls'] }]);
  }, 60_000);

  it('is told from another one with the same player at the same address by the cookie', async () => {
    const contexts = await Promise.all([1, 2].map(() => browser.newContext({ userAgent: 'twin' })));
    for (const context of contexts) {
      const { playsFor } = await play(context, 'hls', '/cookies/demo/ts/master.m3u8');
      await playsFor(1);
    }
    await Promise.all(contexts.map((context) => context.close()));
    expect(sessionsOf('twin', open).map(({ namedBy }) => namedBy)).toEqual(['token', 'token']);
    expect(segments(askedBy('twin')).some(({ url }) => url.includes('tkn'))).toBe(false);
  }, 60_000);
});

describe('CMCD reports of players', () => {
  it.each([
    ['hls', 'in the query', { contentId: 'film', sessionId: 'hls-q' }],
    ['hls', 'in headers', { contentId: 'film', sessionId: 'hls-h', useHeaders: true }],
    ['dash', 'in the query', { enabled: true, cid: 'film', sid: 'dash-q', mode: 'query' }],
    ['dash', 'in version 2', { enabled: true, cid: 'film', sid: 'dash-2', mode: 'query', version: 2 }],
  ] as const)('of %s.js %s are on its session', async (player, how, cmcd) => {
    const userAgent = `${player} ${how}`;
    const context = await browser.newContext({ userAgent });
    const path = player === 'hls' ? 'ts/master.m3u8' : 'dash/manifest.mpd';
    await play(context, player, `/cookies/demo/${path}`, cmcd);
    const sid = 'sid' in cmcd ? cmcd.sid : cmcd.sessionId;
    const figures = () => sessionsOf(userAgent, open).find(({ quality }) => quality?.sid === sid)?.quality;
    await until('its session has figures', () => Number(figures()?.br) > 100 && 'bl' in figures()!, {
      timeoutMs: 25_000,
    });
    expect(figures()).toMatchObject({ sid, cid: 'film', br: expect.any(Number), bl: expect.any(Number) });
    await context.close();
  });
});
