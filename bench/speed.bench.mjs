/**
 * What speed limits hold, and cost: curl against a server in a process of its own, over HTTP/1 and HTTP/2; and which rendition
 * hls.js in Chromium plays for a minute. Needs curl; without Chromium or ffmpeg the last part is left out.
 */
import { fork, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { createRequire } from 'node:module';
import { mkdirSync, mkdtempSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { table } from './lib.mjs';

const require = createRequire(import.meta.url);
const SERVER = path.join(import.meta.dirname, '../test/players/support/speed-server.mjs');
const LADDER = path.join(import.meta.dirname, '../test/players/support/ladder.mjs');
const [FROM, TO] = [3, 13];
const wait = (seconds) => new Promise((resolve) => setTimeout(resolve, seconds * 1000));

const folder = mkdtempSync(path.join(os.tmpdir(), 'stream-sessions-bench-'));
mkdirSync(path.join(folder, 'cam1'));
writeFileSync(path.join(folder, 'cam1/big.ts'), '');
truncateSync(path.join(folder, 'cam1/big.ts'), 1e9);

async function startServer() {
  const child = fork(SERVER, [folder, require.resolve('hls.js/dist/hls.min.js')], { execArgv: [] });
  const [ports] = await once(child, 'message');
  const used = async () => {
    const answer = once(child, 'message');
    child.send('used');
    return (await answer)[0];
  };
  return { ...ports, used, stop: () => child.disconnect() };
}

/** So many downloads side by side, each by a viewer of its own, or all by one. */
async function run({ protocol, viewers, mbits, ofOne = false }) {
  const server = await startServer();
  const before = await server.used();
  const made = mkdtempSync(path.join(os.tmpdir(), 'stream-sessions-curl-'));
  const args = ['-sN', '--parallel', '--parallel-immediate', '--parallel-max', '100'];
  if (protocol === 'h2') args.push('--http2-prior-knowledge');
  const where = `http://127.0.0.1:${server[protocol]}${protocol === 'h2' ? '' : '/express5'}/cam1/big.ts`;
  for (let n = 0; n < viewers; n++) {
    args.push('-o', path.join(made, String(n)), `${where}?token=${mbits}-${ofOne ? '' : n}&n=${n}`);
  }
  const curl = spawn('curl', args, { stdio: 'ignore' });
  const received = () =>
    Array.from(
      { length: viewers },
      (_, n) => statSync(path.join(made, String(n)), { throwIfNoEntry: false })?.size ?? 0,
    );
  await wait(FROM);
  const [early, since, first] = [await server.used(), performance.now(), received()];
  await wait(TO - FROM);
  const [late, seconds, last] = [await server.used(), (performance.now() - since) / 1000, received()];
  curl.kill('SIGKILL');
  server.stop();
  rmSync(made, { recursive: true });
  const rates = last.map((bytes, n) => ((bytes - first[n]) * 8) / 1e6 / seconds);
  return [
    `${viewers} ${ofOne ? 'of one viewer' : 'viewers'}, ${mbits} Mbit/s, ${protocol}`,
    `${Math.min(...rates).toFixed(3)} … ${Math.max(...rates).toFixed(3)}`,
    rates.reduce((sum, rate) => sum + rate, 0).toFixed(2),
    `${((late.cpuMs - early.cpuMs) / seconds / 10).toFixed(1)} %`,
    `${((late.rss - before.rss) / 1e6).toFixed(0)} MB`,
  ];
}

/** hls.js with four renditions for a minute, at a limit of 4 Mbit/s. */
async function renditions(seconds) {
  const { chromium } = require('playwright-core');
  const programs = ['chromium', 'chromium-browser', 'google-chrome-stable', 'google-chrome'];
  const executablePath = programs
    .map((name) => spawnSync('which', [name], { encoding: 'utf8' }).stdout.trim())
    .find(Boolean);
  if (!executablePath || spawnSync('ffmpeg', ['-version']).error)
    return console.log('\nno Chromium or ffmpeg: no hls.js');
  spawnSync(process.execPath, [LADDER, folder, String(2 * seconds), '1', '2.5', '5', '8'], { stdio: 'inherit' });
  const server = await startServer();
  const browser = await chromium.launch({ executablePath, args: ['--headless', '--no-sandbox', '--mute-audio'] });
  const page = await browser.newPage();
  await page.goto(`http://127.0.0.1:${server.h1}/page`);
  await page.addScriptTag({ url: '/hls.js' });
  await page.evaluate(`{
    const hls = new Hls();
    window.levels = [];
    hls.on(Hls.Events.FRAG_CHANGED, (_, { frag }) => levels.push(hls.levels[frag.level].bitrate / 1e6));
    hls.loadSource('/express5/hls/master.m3u8?token=4-hls');
    hls.attachMedia(document.querySelector('video'));
    document.querySelector('video').play();
  }`);
  await wait(seconds);
  const levels = await page.evaluate('levels');
  await browser.close();
  server.stop();
  const switches = levels.filter((level, i) => i > 0 && level !== levels[i - 1]).length;
  console.log(
    `\nhls.js, ${seconds} s, limit 4 Mbit/s, renditions of 1, 2.5, 5 and 8: segments played at ${levels.join(' ')}`,
  );
  console.log(`${switches} switches (target <= 3); at the end ${levels.at(-1)} (target 2.5)`);
}

try {
  const rows = [['', 'each, Mbit/s', 'sum', 'of a core', 'memory']];
  for (const protocol of ['h1', 'h2']) {
    rows.push(await run({ protocol, viewers: 1, mbits: 4 }));
    rows.push(await run({ protocol, viewers: 10, mbits: 4, ofOne: true }));
    rows.push(await run({ protocol, viewers: 50, mbits: 2 }));
  }
  console.log(`by curl, seconds ${FROM} to ${TO}; targets: within 2 %, 10 % of a core for 100 Mbit/s, 60 MB`);
  table(rows);
  await renditions(60);
} finally {
  rmSync(folder, { recursive: true });
}
