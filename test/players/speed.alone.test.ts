import { execFileSync } from 'node:child_process';
import path from 'node:path';
import type { Browser } from 'playwright-core';
import { launchChromium } from './support/browser.js';
import { startCountingProxy, type CountingProxy } from './support/counting-proxy.js';
import { program } from './support/programs.js';
import { bigMedia, Curl, Meter, type SpeedServer, startSpeedServer, type Used, wait } from './support/speed.js';

const LADDER = path.join(__dirname, 'support/ladder.mjs');
/** Seconds. */
const CHANGED_AT = 3;
const HLS_SECONDS = 60;
const WAYS = ['express5', 'express4', 'stream', 'proxy'];
const media = bigMedia();
let server: SpeedServer;
const curls: Curl[] = [];
const meters: Meter[] = [];

function download(urls: readonly string[], http2 = false): Meter {
  const curl = new Curl(urls, http2);
  curls.push(curl);
  return measure(() => curl.received(), curl.startedAt);
}

function measure(received: () => number[], startedAt?: number): Meter {
  const meter = new Meter(received, startedAt);
  meters.push(meter);
  return meter;
}

beforeAll(async () => {
  // encoded at 150 kbit/s, and stuffed
  program('ffmpeg');
  execFileSync(process.execPath, [LADDER, media.folder, '80', '1', '2.5', '5', '8']);
  server = await startSpeedServer(media.folder);
});

afterAll(async () => {
  for (const meter of meters) meter.stop();
  await Promise.all(curls.map((curl) => curl.stop()));
  await server?.stop();
  media.remove();
});

/** In ten seconds of which the server could not send for `lateMs`. */
const within2Percent = (rates: readonly number[], mbits: number, { lateMs }: Used) => {
  for (const rate of rates) {
    expect(rate).toBeGreaterThan(mbits * 0.98 * (1 - lateMs / 10_000));
    expect(rate).toBeLessThan(mbits * 1.02);
  }
};

describe('one viewer at 4 Mbit/s, with one response or ten', () => {
  const one: Record<string, Meter> = {};
  let ten: Meter;
  let changed: Meter;
  let hls: { meter: Meter; levels: { at: number; mbits: number }[]; position: number };
  let used: readonly Used[];

  beforeAll(async () => {
    for (const way of WAYS) one[way] = download([`${server.h1}/${way}/cam1/big.ts?token=4-${way}`]);
    one.send = download([`${server.h1}/send/cam1/large.ts?token=4-send`]);
    one.http2 = download([`${server.h2}/cam1/big.ts?token=4-http2`], true);
    for (const pass of ['own-pass', 'global-pass'])
      one[pass] = download([`${server.h1}/express5/cam1/big.ts?token=${pass}`]);
    ten = download(Array.from({ length: 10 }, (_, n) => `${server.h1}/express5/cam1/big.ts?token=4-ten&n=${n}`));
    [hls, changed, used] = await Promise.all([playHls(HLS_SECONDS), change(), usedAt([12.5, 13.5, 14.5])]);
  }, 110_000);

  it.each([...WAYS, 'send', 'http2', 'own-pass', 'global-pass'])(
    'is kept within 2 %% by %s, as seen by curl',
    (way) => {
      within2Percent(one[way]!.rates(3, 13), 4, used.at(-1)!);
      expect(one[way]!.above(4)).toBeLessThanOrEqual(0);
    },
  );

  it('is kept within 2 % for hls.js in Chromium', () => {
    within2Percent(hls.meter.rates(3, 13), 4, used.at(-1)!);
    // with the heads, which nobody limits
    expect(hls.meter.above(4)).toBeLessThan(0.1);
  });

  it('plays the highest rendition that fits in hls.js for a minute, with few switches', () => {
    expect(hls.levels.at(-1)!.mbits).toBe(2.5);
    expect(hls.levels.length - 1).toBeLessThanOrEqual(3);
    expect(hls.position).toBeGreaterThan(HLS_SECONDS - 6);
  });

  it('has ten responses share the limit, within 10 % of each other', () => {
    const rates = ten.rates(3, 13);
    within2Percent([rates.reduce((sum, rate) => sum + rate, 0)], 4, used.at(-1)!);
    expect(Math.max(...rates) / Math.min(...rates)).toBeLessThan(1.1);
    expect(ten.sumAbove(4)).toBeLessThanOrEqual(0);
  });

  it('is shown with its rate, and as short of speed', () => {
    // a player waits between its segments
    const shown = used.map(({ sessions }) => sessions.filter(({ userAgent }) => userAgent.startsWith('curl')));
    const limited = shown.at(-1)!.filter(({ tags }) => tags.speed === 'limited');
    expect(limited.length).toBeGreaterThanOrEqual(WAYS.length + 2);
    for (const { id } of limited) {
      const rates = shown.map((sessions) => sessions.find((session) => session.id === id)?.rateMbits ?? 0);
      // the middle one: bytes that a busy machine counts late are in the next
      expect(Math.abs(rates.sort((a, b) => a - b)[1]! - 4)).toBeLessThan(0.4);
    }
  });

  it('gets a changed limit within a second', () => {
    expect(changed.rates(CHANGED_AT + 1, CHANGED_AT + 3)[0]).toBeGreaterThan(7.5);
  });
});

describe('fifty viewers of a 1 GB file at 2 Mbit/s', () => {
  const PROTOCOLS = ['h1', 'h2'] as const;
  type Fifty = Awaited<ReturnType<typeof fifty>>;
  let seen: Record<(typeof PROTOCOLS)[number], Fifty>;

  beforeAll(async () => {
    const [h1, h2] = await Promise.all(PROTOCOLS.map(fifty));
    seen = { h1: h1!, h2: h2! };
  });

  it.each(PROTOCOLS)('are within 2 %% of it over %s, and never above', (protocol) => {
    within2Percent(seen[protocol].meter.rates(3, 13), 2, seen[protocol].late);
    expect(seen[protocol].meter.above(2)).toBeLessThanOrEqual(0);
  });

  it.each(PROTOCOLS)('cost little over %s', (protocol) => {
    const { before, early, late } = seen[protocol];
    const percent = (late.cpuMs - early.cpuMs) / 105;
    const mb = [before, early, late].map(({ rss }) => Math.round(rss / 1e6)) as [number, number, number];
    console.info(`fifty over ${protocol}: ${percent.toFixed(1)} % of a core, ${mb.join(' → ')} MB`);
    // a tenth of a core on a machine that others do not use
    expect(percent).toBeLessThan(20);
    expect(mb[2] - mb[0]).toBeLessThan(60);
    expect(mb[2] - mb[1]).toBeLessThan(15);
  });
});

async function fifty(protocol: 'h1' | 'h2') {
  const own = await startSpeedServer(media.folder);
  const where = protocol === 'h1' ? `${own.h1}/express5` : own.h2;
  const before = await own.used();
  const urls = Array.from({ length: 50 }, (_, n) => `${where}/cam1/big.ts?token=2-${n}`);
  const meter = download(urls, protocol === 'h2');
  await wait(3);
  const early = await own.used();
  await wait(10.5);
  const late = await own.used();
  meter.stop();
  await own.stop();
  return { meter, before, early, late };
}

/** What the server says at these times, in seconds from now. */
async function usedAt(times: readonly number[]): Promise<Used[]> {
  return Promise.all(times.map(async (seconds) => (await wait(seconds), server.used())));
}

/** The limit of a viewer goes from 4 to 8 Mbit/s. */
async function change(): Promise<Meter> {
  const own = await startSpeedServer(media.folder);
  const meter = download([`${own.h1}/express5/cam1/big.ts?token=4-changed`]);
  await wait(CHANGED_AT);
  await own.limit(8);
  await wait(3.5);
  meter.stop();
  await own.stop();
  return meter;
}

/** hls.js in a page, for so many seconds. */
async function playHls(seconds: number): Promise<typeof result> {
  const browser: Browser = await launchChromium();
  const proxy: CountingProxy = await startCountingProxy(Number(new URL(server.h1).port));
  const page = await browser.newPage();
  await page.goto(`http://127.0.0.1:${proxy.port}/page`);
  await page.addScriptTag({ url: '/hls.js' });
  const before = proxy.passed();
  const meter = measure(() => [proxy.passed() - before]);
  await page.evaluate(`{
    const hls = new Hls({ cmcd: undefined });
    window.levels = [];
    hls.on(Hls.Events.FRAG_CHANGED, (_, { frag }) => {
      const mbits = hls.levels[frag.level].bitrate / 1e6;
      if (levels.at(-1)?.mbits !== mbits) levels.push({ at: performance.now(), mbits });
    });
    hls.loadSource('/express5/hls/master.m3u8?token=4-hls');
    hls.attachMedia(document.querySelector('video'));
    document.querySelector('video').play();
  }`);
  await wait(seconds);
  const levels = await page.evaluate<{ at: number; mbits: number }[]>('levels');
  const position = await page.evaluate<number>(`document.querySelector('video').currentTime`);
  meter.stop();
  await browser.close();
  await proxy.stop();
  const result = { meter, levels, position };
  return result;
}
