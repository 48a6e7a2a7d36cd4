import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import express from 'express';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { createTracker, type SessionTracker } from '@stream-sessions/core';
import { sessionsApi } from '@stream-sessions/express-middleware';
import { launchChromium } from './support/browser.js';
import { until } from './support/until.js';
import { pace } from '../support/until.js';

/** The page of the example over a real API, with viewers who are not there: what it says in every state it can be in. */
const KEY = 'the-key-of-this-test';
const PLAYERS = { '/lib/hls.js': require.resolve('hls.js/dist/hls.min.js'), '/lib/dash.js': require.resolve('dashjs') };
const CHANNEL = {
  stream: 'demo',
  source: 'sample',
  hls: [{ name: 'fMP4', url: '/no.m3u8' }],
  dash: '/no.mpd',
  others: [],
};
let browser: Browser;
let context: BrowserContext;
let tracker: SessionTracker;
let server: Server;
let url: string;
/** What comes before the API: a server in trouble. */
let trouble: express.RequestHandler | undefined;

beforeAll(async () => {
  browser = await launchChromium();
});
afterAll(() => browser?.close());

beforeEach(async () => {
  trouble = undefined;
  tracker = createTracker({ maxSessionsPerIp: 1e6, idleTimeoutMs: 1e9, autoStart: false });
  const app = express();
  app.use((req, res, next) => (trouble ? trouble(req, res, next) : next()));
  app.use('/api', sessionsApi(tracker, { key: KEY }));
  for (const [name, file] of Object.entries(PLAYERS)) app.get(name, (_req, res) => res.sendFile(file));
  app.get('/channel.json', (_req, res) => void res.json(CHANNEL));
  app.use(express.static(path.join(__dirname, '../../examples/live-origin/public')));
  server = createServer(app).listen(0, '127.0.0.1');
  await once(server, 'listening');
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  context = await browser.newContext({ viewport: { width: 1280, height: 900 } });
});

afterEach(async () => {
  await context.close();
  server.close();
  server.closeAllConnections();
  await tracker.stop();
});

/** From now on everybody finds the server like this: those who are connected, too. */
function into(found: express.RequestHandler): void {
  trouble = found;
  server.closeAllConnections();
}

async function open(query = `?key=${KEY}`): Promise<Page> {
  const page = await context.newPage();
  await page.goto(`${url}${query}`, { waitUntil: 'commit' });
  return page;
}

const listIs = (page: Page) => page.evaluate<string>('document.body.dataset.list');
const becomes = (page: Page, state: string) =>
  until(`the list is ${state}`, async () => (await listIs(page)) === state);
const textOf = async (page: Page, selector: string) => ((await page.locator(selector).textContent()) ?? '').trim();

const visibleText = async (page: Page, selector: string) =>
  (await page.locator(selector).isVisible()) ? textOf(page, selector) : '';

const watch = (n: number, more = {}) =>
  tracker.trackHttp({ stream: 'demo', protocol: 'hls', ip: `10.${n >> 16}.${(n >> 8) & 255}.${n & 255}`, ...more })!;

/** Texts that are long, turn the direction of what is behind them, or close what isolates them. */
const HOSTILE = [
  'x'.repeat(2_000),
  `${'wide '.repeat(400)}`,
  '\u202egnp.exe\u2066\u2069\u2069 kick me',
  'مشاهد '.repeat(300),
  `${'\u0300'.repeat(200)}zalgo`,
  'a\nb\u2028c\u0000d'.repeat(100),
  '<img src=x onerror=alert(1)>'.repeat(60),
];

describe('text from strangers', () => {
  /** Where everything is that an operator needs, in pixels. */
  const layout = (page: Page) =>
    page.evaluate<{ wide: number; kicks: number[][]; boxes: number[][]; spill: number }>(`(() => {
      const box = (element) => { const { left, right, width, height } = element.getBoundingClientRect(); return [left, right, width, height].map(Math.round); };
      return {
        wide: document.documentElement.scrollWidth,
        kicks: [...document.querySelectorAll('#viewers .kick')].map(box),
        boxes: [...document.querySelectorAll('section.list, #viewers-title')].map(box).map(([left, right]) => [left, right]),
        spill: [...document.querySelectorAll('.list')].filter((list) => list.scrollWidth > list.clientWidth).length,
      };
    })()`);

  it.each([
    { rows: 200, width: 1280 },
    { rows: 10_000, width: 1280 },
    { rows: 200, width: 390 },
  ])(
    'does not break the layout: $rows rows, $width pixels wide',
    async ({ rows, width }) => {
      watch(0, { stream: 'demo', userAgent: 'VLC/3.0.20' });
      const page = await open();
      await page.setViewportSize({ width, height: 900 });
      await until('one is listed', async () => (await page.locator('#viewers tr').count()) === 1);
      const plain = await layout(page);

      for (let n = 1; n < rows; n++) {
        const text = HOSTILE[n % HOSTILE.length]!;
        watch(n, { stream: text.slice(0, 250), userAgent: text, token: `${n}` });
      }
      for (const [n, text] of HOSTILE.entries()) {
        tracker.openConn({
          kind: 'input',
          stream: text.slice(0, 250),
          protocol: 'rtmp',
          remoteAddress: '10.9.9.9:1',
          userAgent: text,
        });
        tracker.kick(watch(70_000 + n, { userAgent: text, stream: text.slice(0, 250), token: `k${n}` }).id);
        tracker.deny({ user: text });
      }
      await until('200 are listed', async () => (await page.locator('#viewers tr').count()) === 200);
      const hostile = await layout(page);
      expect([hostile.wide, hostile.boxes, hostile.spill]).toEqual([plain.wide, plain.boxes, 0]);
      const [first] = plain.kicks;
      for (const [left, right, w, h] of hostile.kicks) {
        expect([left, right, w, h]).toEqual(first);
        expect(right).toBeLessThanOrEqual(width);
      }
      await until('all are counted', async () => (await textOf(page, '#total-viewers')) === String(rows));
      const more = rows > 200 ? `The first 200 of ${rows.toLocaleString('en')}` : '';
      await until('the rest is reported', async () => (await visibleText(page, '#more')).startsWith(more));
      expect(await page.locator('#more').isVisible()).toBe(rows > 200);
    },
    60_000,
  );

  it('does not change the text direction around it', async () => {
    watch(1, { userAgent: '\u202eyalp', token: 'a' });
    const page = await open();
    await until('one is listed', async () => (await page.locator('#viewers tr').count()) === 1);
    const foreign = '#viewers :is(.who, .stream, .ip, .agent)';
    const isolated = await page.locator(foreign).evaluateAll((elements) =>
      elements.map((element: any) => {
        const { display, unicodeBidi } = element.ownerDocument.defaultView.getComputedStyle(element);
        return `${display} ${unicodeBidi}`;
      }),
    );
    expect(new Set(isolated)).toEqual(new Set(['block isolate']));
  });

  it('is found by the search, even if the viewer is not among the first', async () => {
    for (let n = 0; n < 300; n++) watch(n, { userAgent: n === 299 ? 'Kodi/20' : 'VLC', token: `${n}` });
    const page = await open();
    await until('the first are listed', async () => (await page.locator('#viewers tr').count()) === 200);
    await page.locator('#find').fill('kodi');
    await until('one is left', async () => (await page.locator('#viewers tr').count()) === 1);
    expect(await textOf(page, '#viewers .agent')).toBe('Kodi/20');
    await until('all are counted', async () => (await textOf(page, '#total-viewers')) === '300');
    await page.locator('#find').fill('nobody like that');
    await until('it says so', async () => (await textOf(page, '#nobody')) === 'Nobody is found.');
    await page.locator('#find').fill('');
    await until('they are back', async () => (await page.locator('#viewers tr').count()) === 200);
    const shown = await page.locator('#viewers .ip').allTextContents();
    expect(shown).toEqual(tracker.list({ limit: 200 }).map(({ ip }) => ip));
  });
});

describe('the state that the page shows', () => {
  const empties = async (page: Page) =>
    page.locator('.empty:visible').evaluateAll((all) => all.map((element: any) => element.textContent as string));

  it('is empty before the first answer', async () => {
    let answer = (): void => undefined;
    const held = new Promise<void>((resolve) => (answer = resolve));
    trouble = (req, _res, next) => void (req.path.startsWith('/api') ? held.then(() => next()) : next());
    const page = await open();
    await until('it is there', async () => (await empties(page)).length === 4);
    expect(new Set(await empties(page))).toEqual(new Set(['Asking the server…']));
    expect(await textOf(page, '#total-viewers')).toBe('–');
    answer();
    await becomes(page, 'live');
    await until('it knows now', async () => (await empties(page)).includes('Nobody is watching.'));
    expect(await empties(page)).toContain('Nobody is kept out.');
  });

  it('is locked without a key; the page says whether a key is right, and clears when it is locked again', async () => {
    watch(1);
    const page = await open('');
    await becomes(page, 'locked');
    expect(new Set(await empties(page))).toEqual(new Set(['Locked: the key of the list is needed.']));
    expect(await textOf(page, '#total-viewers')).toBe('–');
    expect(await page.locator('#key-error').isVisible()).toBe(false);
    await page.locator('#key').fill('wrong');
    await page.locator('#key-form button').click();
    await until('it says so', async () => (await textOf(page, '#key-error')).startsWith('This is not the key.'));
    expect(await page.locator('#key-error').isVisible()).toBe(true);
    await page.locator('#key').fill(KEY);
    await page.keyboard.press('Enter');
    await becomes(page, 'live');
    await until('the viewer is listed', async () => (await page.locator('#viewers tr').count()) === 1);
    expect(await page.locator('#key-form').isVisible()).toBe(false);

    into((req, res, next) => (req.path.startsWith('/api') ? void res.status(401).json({}) : next()));
    await becomes(page, 'locked');
    expect(await page.locator('#viewers tr').count()).toBe(0);
    expect(await textOf(page, '#key-error')).toContain('not the one of the server');
  });

  it('is locked with a wrong key in the link, and the key is removed from the address', async () => {
    const page = await open('?key=wrong');
    await becomes(page, 'locked');
    expect(await textOf(page, '#key-error')).toContain('not the one of the server');
    expect(page.url()).toBe(url);
  });

  it('includes that a kick has failed, and why', async () => {
    const { id } = watch(1);
    trouble = (req, res, next) =>
      req.method === 'DELETE' ? void res.status(500).json({ error: { message: 'The disk is full.' } }) : next();
    const page = await open();
    const kick = page.locator('#viewers .kick');
    await kick.click();
    const outcome = page.locator('#outcome');
    await until('it says so', async () =>
      /was not removed: The disk is full\./.test((await outcome.textContent()) ?? ''),
    );
    expect(await outcome.isVisible()).toBe(true);
    expect(await outcome.getAttribute('data-is')).toBe('failed');
    trouble = undefined;
    await kick.click();
    await until('it worked', async () => /was removed\./.test((await outcome.textContent()) ?? ''));
    await until('the row is gone', async () => (await page.locator('#viewers tr').count()) === 0);
    expect(tracker.get(id)?.closeReason).toBe('kicked');
  });

  it('is marked as stale with a silent server, and kicks are disabled until the server is back', async () => {
    const { id } = watch(1);
    const page = await open();
    await until('the viewer is listed', async () => (await page.locator('#viewers tr').count()) === 1);
    const hung = new Set<express.NextFunction>();
    into((_req, _res, next) => void hung.add(next));
    await becomes(page, 'stale');
    await until('it says so', () => page.locator('#notice').isVisible());
    expect(await textOf(page, '#notice')).toMatch(/does not answer.*lists below are from .*nobody can be kicked now/);
    expect(await page.locator('#viewers .kick').getAttribute('aria-disabled')).toBe('true');
    const before = hung.size;
    await page.locator('#viewers .kick').click({ force: true });
    await until('it says why not', async () => (await textOf(page, '#outcome')).includes('nothing was done'));
    // it gives up on each request, and asks again
    await until('it asks again', () => hung.size > before + 1, { timeoutMs: 20_000 });
    trouble = undefined;
    for (const next of hung) next();
    await becomes(page, 'live');
    await until('the notice is gone', async () => !(await page.locator('#notice').isVisible()));
    expect(tracker.get(id)?.closedAt).toBeUndefined();
    await page.locator('#viewers .kick').click();
    await until('it is kicked', () => tracker.get(id)?.closeReason === 'kicked');
  }, 60_000);

  it('includes that the server is unreachable, or that it fails', async () => {
    watch(1);
    const page = await open();
    await becomes(page, 'live');
    into((_req, res) => void res.status(500).json({ error: { message: 'It fails.' } }));
    await becomes(page, 'stale');
    await until('it says so', async () => /^It fails\. Trying again\./.test(await textOf(page, '#notice')));
    server.close();
    server.closeAllConnections();
    await until('it says so', async () => /^The server does not answer\./.test(await textOf(page, '#notice')));
  });

  it('includes the viewer who left last, however many have left', async () => {
    for (let n = 0; n < 1_200; n++) tracker.kick(watch(n, { token: `${n}` }).id, { denyForMs: 0 });
    const early = watch(5_000, { userAgent: 'early bird', token: 'early' });
    for (let n = 1_200; n < 2_400; n++) tracker.kick(watch(n, { token: `${n}` }).id, { denyForMs: 0 });
    await pace(5); // the others have closed before
    tracker.kick(early.id, { denyForMs: 0 });
    const page = await open();
    await until('it is first', async () =>
      /early bird/.test((await page.locator('#left li').first().textContent()) ?? ''),
    );
    await until('four are listed', async () => (await page.locator('#left li').count()) === 4);
  });

  it('includes the number of all who are kept out', async () => {
    for (let n = 0; n < 70; n++) tracker.deny({ ip: `10.1.0.${n}` });
    tracker.deny({ user: 'bob' }, { forMs: Infinity });
    const page = await open();
    await until('they are listed', async () => (await page.locator('#denials li').count()) === 50);
    await until('all are counted', async () => (await textOf(page, '#total-denials')) === '71');
  });

  it('comes from the feed: nothing is requested while viewers watch or come', async () => {
    watch(1, { bytes: 1_000_000 });
    const page = await open();
    await until('the viewer is listed', async () => (await page.locator('#viewers tr').count()) === 1);
    const asked: string[] = [];
    trouble = (req, _res, next) => {
      if (req.url.startsWith('/api')) asked.push(req.url);
      next();
    };
    watch(1, { bytes: 4_000_000 });
    await until('its bytes are shown', async () => /5(\.0)? MB/.test(await textOf(page, '#viewers .bytes')));
    const { id } = watch(2);
    await until('another one is listed', async () => (await page.locator('#viewers tr').count()) === 2);
    await until('they are counted', async () => (await textOf(page, '#total-viewers')) === '2');
    tracker.openConn({ kind: 'input', stream: 'demo', protocol: 'rtmp', remoteAddress: '10.9.9.9:1' });
    await until('the publisher is listed', async () => (await page.locator('#inputs li').count()) === 1);
    await pace(2_000);
    expect(asked).toEqual([]);
    tracker.kick(id, { reason: 'enough' });
    await until('it is gone', async () => (await page.locator('#viewers tr').count()) === 1);
    await until('it is among those who left', async () => (await page.locator('#left li').count()) === 1);
    await until('it is kept out', async () => (await page.locator('#denials li').count()) === 1);
  });

  it('marks no other viewer as a player of this page', async () => {
    watch(1, { sid: '' });
    watch(2, { sid: 'a' });
    watch(3, { token: 'ab' });
    const page = await open();
    await until('they are listed', async () => (await page.locator('#viewers tr').count()) === 3);
    expect(await page.locator('#viewers .tag:visible').count()).toBe(0);
  });
});
