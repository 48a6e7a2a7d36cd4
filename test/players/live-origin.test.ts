import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import path from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { launchChromium, playsOn, sidOf, stateOf } from './support/browser.js';
import { dispose, startLiveOrigin, type LiveOrigin } from './support/live-origin.js';
import { descendants, isAlive } from './support/processes.js';
import { until } from './support/until.js';

let browser: Browser;
let origin: LiveOrigin | undefined;

beforeAll(async () => {
  browser = await launchChromium();
});

afterEach(async () => {
  await dispose(origin);
  origin = undefined;
});

afterAll(() => browser?.close());

async function openPage(url: string): Promise<Page> {
  const page = await browser.newPage();
  await page.goto(url);
  return page;
}

describe('the example as its user sees it', () => {
  it('plays in both players, lists them, and the kick button stops one until it is let in again', async () => {
    origin = await startLiveOrigin();
    expect(origin.url).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/\?key=[\w-]{32}$/);
    const page = await openPage(origin.url);
    await Promise.all([playsOn(page, 'hls'), playsOn(page, 'dash')]);

    const [hls, dash] = [await sidOf(page, 'hls'), await sidOf(page, 'dash')];
    const rows = page.locator('#viewers tr');
    const row = (sid: string) => rows.filter({ hasText: sid });
    await until('both are listed', async () => (await rows.count()) === 2);
    expect(await row(hls).textContent()).toMatch(/HLS.*demo.*127\.0\.0\.1.*Chrome.*[kM]B/s);
    expect(await row(dash).textContent()).toMatch(/DASH.*demo.*127\.0\.0\.1.*Chrome.*[kM]B/s);

    await row(hls).getByRole('button', { name: /^Kick/ }).click();
    await until('the page says so', async () => (await stateOf(page, 'hls')) === 'refused');
    expect(await page.locator('[data-player=hls] .why').textContent()).toMatch(/403.*return in (1:00|0:5\d)/);
    await until('its row is gone', async () => (await rows.count()) === 1);
    expect(await page.evaluate('document.activeElement.textContent')).toBe('Watching now'); // where the keyboard goes on
    await playsOn(page, 'dash', 3);

    // a reload is a viewer with a new name, and is refused all the same
    const reloaded = await openPage(origin.url);
    await until('it is refused', async () => (await stateOf(reloaded, 'hls')) === 'refused');
    await reloaded.close();

    await page.locator('#denials .lift').first().click();
    await until('nobody is kept out', async () => (await page.locator('#denials li').count()) === 0);
    await until('the player says so', async () =>
      /not kept out any more/.test((await page.locator('[data-player=hls] .why').textContent()) ?? ''),
    );
    await page.locator('[data-player=hls] .retry').click();
    await playsOn(page, 'hls');
    await page.close();
  }, 90_000);

  it('plays its sample over HLS and DASH if ffmpeg is missing, and says so', async () => {
    origin = await startLiveOrigin({ PATH: '/nowhere' });
    expect(origin.output()).toContain('ffmpeg is not installed');
    const page = await openPage(origin.url);
    await Promise.all([playsOn(page, 'hls', 4), playsOn(page, 'dash', 4)]);
    expect(await page.locator('#source').textContent()).toContain('ffmpeg is not installed here');
    await until('both are listed', async () => (await page.locator('#viewers tr').count()) === 2);
    await page.close();
  }, 60_000);

  it('recovers by itself, players and list, from a network outage and a restart of the server', async () => {
    const KEY = 'the-key-that-outlasts-a-restart';
    origin = await startLiveOrigin({ KEY });
    expect(origin.output()).not.toContain(KEY);
    const { port } = new URL(origin.url);
    const context = await browser.newContext();
    const page = await context.newPage();
    await page.goto(`${origin.url}?key=${KEY}`);
    await Promise.all([playsOn(page, 'hls'), playsOn(page, 'dash')]);

    await context.setOffline(true);
    await until('the list is stale', () => page.locator('body[data-list=stale]').count());
    await context.setOffline(false);
    await until('the list is live', () => page.locator('body[data-list=live]').count());
    await Promise.all([playsOn(page, 'hls', 3), playsOn(page, 'dash', 3)]);

    await dispose(origin);
    await until('the page says so', async () =>
      /does not answer/.test((await page.locator('#notice').textContent()) ?? ''),
    );
    origin = await startLiveOrigin({ KEY, PORT: port });
    await until('the list is live', () => page.locator('body[data-list=live]').count(), { timeoutMs: 20_000 });
    await until(
      'both play again',
      async () =>
        (await Promise.all(['hls', 'dash'].map((player) => stateOf(page, player)))).every(
          (state) => state === 'playing',
        ),
      { timeoutMs: 40_000 },
    );
    await Promise.all([playsOn(page, 'hls', 3), playsOn(page, 'dash', 3)]);
    await until('both are listed', async () => (await page.locator('#viewers tr').count()) === 2);
    const rtmp = /rtmp:\S+/.exec(origin.output())![0];
    await until('it shows where the servers listen now', async () =>
      (await page.locator('#addresses').textContent())?.includes(rtmp),
    );
    await context.close();
  }, 150_000);

  it('does not take a hanging server for alive', async () => {
    origin = await startLiveOrigin();
    const page = await openPage(origin.url);
    await Promise.all([playsOn(page, 'hls'), playsOn(page, 'dash')]);
    origin.process.kill('SIGSTOP');
    try {
      await until('the list is stale', () => page.locator('body[data-list=stale]').count());
      expect(await page.locator('#viewers .kick').first().getAttribute('aria-disabled')).toBe('true');
      await until('the players say so', async () => (await stateOf(page, 'hls')) === 'failed', { timeoutMs: 40_000 });
    } finally {
      origin.process.kill('SIGCONT');
    }
    await until('the list is live', () => page.locator('body[data-list=live]').count(), { timeoutMs: 20_000 });
    await until('it plays again', async () => (await stateOf(page, 'hls')) === 'playing', { timeoutMs: 40_000 });
    await page.close();
  }, 150_000);

  it('opens the list of viewers only with its key, by one click, and the media to everybody', async () => {
    origin = await startLiveOrigin();
    const key = new URL(origin.url).searchParams.get('key')!;
    const status = async (path: string, headers = {}) => (await fetch(new URL(path, origin!.url), { headers })).status;
    expect(await status('/api/sessions')).toBe(401);
    expect(await status('/api/sessions?key=wrong')).toBe(401);
    expect(await status('/api/sessions', { authorization: 'Bearer wrong' })).toBe(401);
    expect(await status('/api/sessions?status=active', { authorization: `Bearer ${key}` })).toBe(200);
    expect(await status('/live/demo/ts/master.m3u8')).toBe(200);
    const file = path.join(origin.workFolder, '.stream-sessions-key');
    expect([readFileSync(file, 'utf8'), statSync(file).mode & 0o777]).toEqual([
      `Authorization: Bearer ${key}\n`,
      0o600,
    ]);
    expect(origin.output()).toContain(`curl -H @${file} ${new URL('/api/sessions', origin.url).href}`);
    expect(origin.output().split(key)).toHaveLength(2); // printed once

    const page = await openPage(origin.url);
    await until('the viewers are listed', async () => (await page.locator('#viewers tr').count()) > 2);
    expect(page.url()).not.toContain('key');
    const { sessions } = (await origin.api('GET', 'sessions')).body;
    expect(JSON.stringify(sessions)).not.toContain(key); // not in a referer either
    const [list] = await Promise.all([page.waitForEvent('popup'), page.locator('.bottom a').first().click()]);
    await until('the list opens without the key in its address', () => /\/api\/sessions$/.test(list.url()));
    expect(await list.textContent('body')).toContain('"stream_code":"demo"');
    await list.close();

    const keyless = await browser.newContext();
    const other = await keyless.newPage();
    await other.goto(new URL('/', origin.url).href);
    await until('the page asks for the key', () => other.locator('#key-form').isVisible());
    await other.locator('#key').fill(key);
    await other.locator('#key-form button').click();
    await until('the viewers are listed', async () => (await other.locator('#viewers tr').count()) > 0);
    await Promise.all([page.close(), keyless.close()]);

    await origin.stop();
    expect(existsSync(file)).toBe(false);
  }, 60_000);
});

describe('the example, when it ends', () => {
  const ends = [
    { signal: 'SIGINT', code: 0, withinMs: 3000 },
    { signal: 'SIGTERM', code: 0, withinMs: 3000 },
    { signal: 'SIGKILL', code: null, withinMs: 3000 },
  ] as const;

  it.each(ends)('leaves no process and no file: $signal', async ({ signal, code, withinMs }) => {
    origin = await startLiveOrigin();
    const { tempFolder } = origin;
    const viewer = await fetch(new URL('live/demo/ts/master.m3u8', origin.url)); // a connection that is kept alive
    expect(viewer.status).toBe(200);
    const processes = descendants(origin.process.pid!);
    expect(processes.length).toBeGreaterThanOrEqual(2); // the channel, and its ffmpeg
    expect(readdirSync(tempFolder)).toHaveLength(1);

    const end = await origin.stop(signal);
    expect(end.code).toBe(code);
    expect(end.afterMs).toBeLessThan(withinMs);
    if (signal !== 'SIGKILL') expect(processes.filter(isAlive)).toEqual([]); // after SIGKILL nobody is left to wait for them
    await until('no process is left', () => processes.every((pid) => !isAlive(pid)), { timeoutMs: 2000 });
    await until('no file is left', () => readdirSync(tempFolder).length === 0, { timeoutMs: 2000 });
  });

  it('ends when ffmpeg crashes, and says so', async () => {
    origin = await startLiveOrigin();
    const processes = descendants(origin.process.pid!);
    process.kill(processes.at(-1)!, 'SIGKILL');
    await until('it has ended', () => origin!.process.exitCode === 1);
    expect(origin.output()).toMatch(/ffmpeg ended by itself/);
    expect(readdirSync(origin.tempFolder)).toEqual([]);
    expect(processes.filter(isAlive)).toEqual([]);
  });

  it('says in one line what to do about a port in use, and leaves nothing behind', async () => {
    const blocker = createServer().listen(0, '127.0.0.1');
    await once(blocker, 'listening');
    const { port } = blocker.address() as AddressInfo;
    await expect(startLiveOrigin({ PORT: String(port) })).rejects.toThrow(
      `The example ended (1):\nPort ${port} is in use. Choose another one: PORT=${port + 1} npm start\n`,
    );
    blocker.close();
  });

  it('uses other ports instead of default ones that are taken, and says so', async () => {
    const usual = { PORT: '', RTMP_PORT: '', FLV_PORT: '', RTSP_PORT: '', SRT_PORT: '' };
    origin = await startLiveOrigin(usual); // whoever else has them on this machine
    const second = await startLiveOrigin(usual);
    try {
      for (const name of Object.keys(usual)) {
        expect(second.output()).toMatch(new RegExp(`Port \\d+ is in use: ${name} is \\d+ this time\\.`));
      }
      expect(new URL(second.url).port).not.toBe(new URL(origin.url).port);
      expect((await second.api('GET', 'stats')).status).toBe(200);
    } finally {
      await dispose(second);
    }
  }, 60_000);

  it.each([{ RTMP_PORT: 'abc' }, { SRT_PORT: '99999' }, { KEY: 'short' }])(
    'refuses %j in one sentence, and leaves nothing behind',
    async (env) => {
      const [[name, value]] = Object.entries(env) as [[string, string]];
      const why = name === 'KEY' ? 'KEY has to be 16 characters or more.*' : `${name}=${value} is not a port\\..*`;
      await expect(startLiveOrigin(env)).rejects.toThrow(new RegExp(`^The example ended \\(1\\):\n${why}\n$`));
    },
  );

  it('does the same for the UDP port of SRT', async () => {
    const blocker = createSocket('udp4').bind(0, '127.0.0.1');
    await once(blocker, 'listening');
    const { port } = blocker.address();
    await expect(startLiveOrigin({ SRT_PORT: String(port) })).rejects.toThrow(
      new RegExp(`^The example ended \\(1\\):\nUDP port ${port} .*SRT_PORT=0 npm start\n$`),
    );
    blocker.close();
  });
});
