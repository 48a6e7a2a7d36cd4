import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { randomUUID } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Browser } from 'playwright-core';
import { startRedis, type RedisServer } from '../support/redis-server.js';
import { until } from '../support/until.js';
import { startBalancer, type Balanced, type Balancer } from './support/balancer.js';
import { launchChromium } from './support/browser.js';
import { endPlayers, playWithFfmpeg } from './support/ffmpeg-player.js';
import { publishHls, untilOnAir } from './support/live-hls.js';

const ORIGIN = path.join(__dirname, 'support/cluster-origin.mjs');
const KEY = 'the-key-of-this-test';
const PATIENCE_MS = 40_000;
/** Plays `?stream=…&token=…&cmcd=…`; whoever is refused begins again. */
const PAGE = `<!doctype html><video muted autoplay></video><script src="/hls.js"></script><script>
  const query = new URLSearchParams(location.search);
  const cmcd = query.get('cmcd') && { sessionId: query.get('cmcd'), contentId: 'it' };
  const token = query.get('token') ? '?token=' + query.get('token') : '';
  const play = () => {
    const hls = new Hls({ liveSyncDurationCount: 2, ...(cmcd && { cmcd }) });
    hls.on(Hls.Events.ERROR, (_, { fatal, response }) => {
      if (!fatal && response?.code !== 403) return;
      hls.destroy();
      setTimeout(play, 100);
    });
    hls.loadSource('/live/' + query.get('stream') + '/index.m3u8' + token);
    hls.attachMedia(document.querySelector('video'));
  };
  play();
</script>`;

const folder = mkdtempSync(path.join(tmpdir(), 'players-test-'));
let redis: RedisServer;
let channel: ChildProcess;
let browser: Browser;
const origins: ChildProcess[] = [];
const ports: number[] = [];
let balancer: Balancer | undefined;

beforeAll(async () => {
  mkdirSync(path.join(folder, 'cam1'));
  symlinkSync('cam1', path.join(folder, 'guarded'));
  const playlist = path.join(folder, 'cam1/index.m3u8');
  channel = publishHls(playlist);
  [redis, browser] = await Promise.all([startRedis(), launchChromium()]);
  for (const name of ['one', 'two', 'three']) {
    const child = fork(ORIGIN, [folder, String(redis.port), name], { env: { ...process.env, KEY }, execArgv: [] });
    origins.push(child);
    ports.push(((await once(child, 'message')) as [number])[0]);
  }
  await untilOnAir(playlist);
}, 90_000);

afterEach(async () => {
  endPlayers();
  for (const context of browser.contexts()) await context.close();
  balancer?.stop();
});

afterAll(async () => {
  await browser?.close();
  for (const child of origins) child.kill('SIGKILL');
  channel.kill('SIGKILL');
  await redis?.stop();
  rmSync(folder, { recursive: true, force: true });
});

async function api(method: string, to: string, port = ports[0]): Promise<{ status: number; body: any }> {
  const headers = { authorization: `Bearer ${KEY}` };
  const answer = await fetch(`http://127.0.0.1:${port}/api/${to}`, { method, headers });
  const text = await answer.text();
  return { status: answer.status, body: text === '' ? undefined : JSON.parse(text) };
}

/** Live or ended, as the second of the origins shows them when all have answered it. */
const rowsOf = async (userAgent: string): Promise<any[]> => {
  const whole = async () => {
    const { status, body } = await api('GET', 'sessions?limit=1000', ports[1]);
    return status === 200 && body.partial !== true && body.sessions;
  };
  const rows: any[] = await until('all origins answer', whole, PATIENCE_MS);
  return rows.filter((row) => row.user_agent === userAgent);
};

const askedBy = (what: string): Balanced[] =>
  (balancer?.asked ?? []).filter(({ url, userAgent }) => userAgent === what || url.includes(what));
const isRefused = ({ status }: Balanced): boolean => [401, 403, 503].includes(status);

/** A page with a profile of its own. */
async function open(userAgent: string, query: string, token?: string): Promise<void> {
  const context = await browser.newContext({ userAgent });
  if (token !== undefined) await context.addCookies([{ name: 'token', value: token, url: balancer!.url }]);
  await (await context.newPage()).goto(`${balancer!.url}/page?${query}`);
}

const seed = { state: 7 };
const random = (): number => (seed.state = (seed.state * 48_271) % 2_147_483_647) % 3;

it.each<[string, (n: number) => number]>([
  ['by turns', (n) => n % 3],
  ['at random', random],
])(
  'one viewer is one row with one id if its requests go to three origins %s',
  async (_, choose) => {
    balancer = await startBalancer(ports, choose, PAGE);
    const attempt = randomUUID().slice(0, 8);
    const names = ['hls.js with CMCD', 'hls.js with a token on playlists', 'hls.js with a cookie', 'ffmpeg'];
    const agents = names.map((name) => `${name} ${attempt}`);
    await open(agents[0]!, `stream=cam1&cmcd=${attempt}`);
    await open(agents[1]!, 'stream=guarded&token=ticket-in-the-url');
    await open(agents[2]!, 'stream=guarded', 'ticket-in-a-cookie');
    playWithFfmpeg(`${balancer.url}/live/cam1/index.m3u8`, { userAgent: agents[3]!, blind: true });
    for (const agent of agents) {
      const hasPlayed = () => {
        const segments = askedBy(agent).filter(({ url, status }) => url.includes('.ts') && status < 300);
        // by turns, all playlists may go to one of them and all segments to the two others
        return segments.length >= 6 && new Set(askedBy(agent).map(({ to }) => to)).size === 3;
      };
      await until(`${agent} plays from all three`, hasPlayed, PATIENCE_MS);
      await until('all have a part of it', async () => (await rowsOf(agent))[0]?.nodes.length === 3, PATIENCE_MS);
      expect(await rowsOf(agent)).toHaveLength(1);
      expect(askedBy(agent).filter(isRefused)).toEqual([]);
    }
  },
  120_000,
);

it('a kick on the first origin stops a player at all three, keeps it out, and leaves its neighbour alone', async () => {
  balancer = await startBalancer(ports, random, PAGE);
  const attempt = randomUUID().slice(0, 8);
  // whoever comes with the same player after a kick is taken for the kicked one
  const agent = `the player ${attempt}`;
  await open(agent, `stream=cam1&cmcd=mallory${attempt}`);
  await open(agent, `stream=cam1&cmcd=neighbour${attempt}`);
  const rowOf = async (name: string) => (await rowsOf(agent)).find(({ quality }) => quality?.sid === name + attempt);
  for (const name of ['mallory', 'neighbour']) {
    await until(`${name} is at all`, async () => (await rowOf(name))?.nodes.length === 3, PATIENCE_MS);
  }
  const { id } = await rowOf('mallory');
  expect([200, 202, 204]).toContain((await api('DELETE', `sessions/${id}`)).status);
  const kickedAt = Date.now();
  // the first request of hls.js has no CMCD yet
  const later = () =>
    askedBy(agent).filter(({ url, at }) => at > kickedAt + 1_000 && !url.includes(`neighbour${attempt}`));
  const hasAskedAll = () => new Set(later().map(({ to }) => to)).size === 3;
  await until('it has tried all three', hasAskedAll, PATIENCE_MS);
  const isKeptOut = () => later().every(isRefused);
  const before = askedBy(`neighbour${attempt}`).length;
  await until('the neighbour plays on', () => askedBy(`neighbour${attempt}`).length >= before + 6, PATIENCE_MS);
  expect(isKeptOut()).toBe(true);
  expect(askedBy(`neighbour${attempt}`).filter(isRefused)).toEqual([]);
}, 120_000);
