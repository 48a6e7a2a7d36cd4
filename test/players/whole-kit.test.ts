import type { Browser } from 'playwright-core';
import type { WireSession } from '@stream-sessions/core';
import { launchChromium, playsOn, stateOf } from './support/browser.js';
import { endPlayers, playWithFfmpeg } from './support/ffmpeg-player.js';
import { dispose, startLiveOrigin, type LiveOrigin } from './support/live-origin.js';
import { until } from './support/until.js';
import { playWebSocket } from './support/ws-flv-player.js';

let browser: Browser;
let origin: LiveOrigin | undefined;
beforeAll(async () => {
  browser = await launchChromium();
});
afterAll(async () => {
  endPlayers();
  await browser.close();
  await dispose(origin);
});

it('one channel plays over every protocol, all are viewers of one stream, and a kick ends each', async () => {
  origin = await startLiveOrigin();
  const page = await browser.newPage();
  await page.goto(origin.url); // plays it with hls.js and dash.js
  const channel = await (await fetch(new URL('channel.json', origin.url))).json();
  const { others } = channel as { others: { protocol: string; url: string }[] };
  expect(others.map(({ protocol }) => protocol)).toEqual(['rtmp', 'http-flv', 'ws-flv', 'rtsp', 'srt']);
  for (const { url } of others) {
    expect(origin.output()).toContain(url);
    await until('the page shows it', async () => (await page.locator('#addresses').textContent())?.includes(url));
  }

  /** How to see, for each viewer, that it is over. */
  const isOver = new Map<string, () => Promise<boolean>>();
  for (const protocol of ['hls', 'dash'])
    isOver.set(protocol, async () => (await stateOf(page, protocol)) === 'refused');
  for (const { protocol, url } of others) {
    const player = protocol === 'ws-flv' ? playWebSocket(url) : playWithFfmpeg(url);
    let over = false;
    void player.ended.then(() => (over = true));
    isOver.set(protocol, async () => over);
  }

  await Promise.all([playsOn(page, 'hls'), playsOn(page, 'dash')]);
  const viewers = () => origin!.sessions('?status=active&kind=viewer&stream=demo');
  const playing = await until('all of them have got some media', async () => {
    const list = await viewers();
    return list.length === isOver.size && list.every(({ bytes }) => bytes > 100_000) && list;
  });
  expect(new Set(playing.map(({ proto }) => proto))).toEqual(new Set(isOver.keys()));
  await until('the page lists them', async () => (await page.locator('#viewers tr').count()) === isOver.size);
  const { streams } = (await origin.api('GET', 'streams')).body;
  expect(streams).toEqual([expect.objectContaining({ stream_code: 'demo', viewers: isOver.size })]);
  expect((await page.locator('#inputs li').count()) > 0).toBe(true);

  let left = isOver.size;
  for (const [protocol, over] of isOver) {
    const { id } = playing.find(({ proto }: WireSession) => proto === protocol)!;
    await page.locator(`[data-session="${id}"] .kick`).click();
    await until(`the ${protocol} player has ended`, over);
    left -= 1;
    const rest = await viewers();
    expect(rest.map(({ id }) => id)).not.toContain(id);
    expect(rest).toHaveLength(left); // a neighbour plays on
  }
}, 90_000);
