import { chromium, type Browser, type Page } from 'playwright-core';
import { program } from './programs.js';
import { until } from './until.js';

const FLAGS = [
  ...['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--mute-audio'],
  ...['--disable-background-networking', '--disable-component-update', '--disable-sync'],
  '--autoplay-policy=no-user-gesture-required',
];

/** The installed Chromium, headless, with an empty profile. */
export function launchChromium(): Promise<Browser> {
  const executablePath = program('chromium', 'chromium-browser', 'google-chrome-stable', 'google-chrome');
  return chromium.launch({ executablePath, args: FLAGS });
}

/** The time that a player of the page has reached, in seconds. */
export const currentTime = (page: Page, player: string): Promise<number> =>
  page.locator(`[data-player=${player}] video`).evaluate((video: any) => video.currentTime as number);

/** Waits until a player plays, and until its picture has then moved on by this many seconds. */
export async function playsOn(page: Page, player: string, seconds = 1): Promise<void> {
  // the jump to the live edge, before the first picture, does not count as playing
  await until(`${player} plays`, async () => (await stateOf(page, player)) === 'playing');
  const from = await currentTime(page, player);
  await until(`${player} plays on from ${from}`, async () => (await currentTime(page, player)) >= from + seconds);
}

/** What the page says that a player is doing: loading, playing, paused, stopped, refused, failed. */
export const stateOf = async (page: Page, player: string): Promise<string> =>
  (await page.locator(`[data-player=${player}] .word`).textContent()) ?? '';

/** The beginning of the CMCD session id that the page shows for a player. */
export const sidOf = async (page: Page, player: string): Promise<string> =>
  ((await page.locator(`[data-player=${player}] .sid`).textContent()) ?? '').replace('sid ', '');
