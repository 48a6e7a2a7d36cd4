import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { anchorsOf, type Block, blocksOf, read } from './support/markdown.js';
import { closeServers, promisedOutput, type Ran, run } from './support/snippets.js';
import { pace } from '../support/until.js';
import { freePort } from '../support/free-port.js';

const PAGE = 'docs/recipes.md';
const PLAYLIST = '#EXTM3U\n#EXTINF:4,\nseg0.ts\n';
const text = read(PAGE);

/** The blocks under a heading, by language. */
function recipe(heading: string, language = 'ts'): Block {
  const start = text.slice(0, text.indexOf(`\n## ${heading}\n`)).split('\n').length;
  const found = blocksOf(PAGE, language).find(({ line }) => line > start);
  if (found === undefined) throw new Error(`${PAGE} has no ${language} under ${heading}`);
  return found;
}

const home = process.cwd();
let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'stream-sessions-recipes-'));
  mkdirSync(join(folder, 'media/cam1'), { recursive: true });
  writeFileSync(join(folder, 'media/cam1/index.m3u8'), PLAYLIST);
  writeFileSync(join(folder, 'media/cam1/seg0.ts'), 'x'.repeat(10_000));
  process.chdir(folder);
});
afterEach(async () => {
  await closeServers();
  process.chdir(home);
  rmSync(folder, { recursive: true, force: true });
});

const INDEX = '/live/cam1/index.m3u8';
const ask = async (url: string, headers: Record<string, string> = {}, method = 'GET') => {
  const response = await fetch(url, { headers, method });
  return { status: response.status, headers: response.headers, text: await response.text() };
};
/** It serves playlist and segment, passes what is not media, and refuses what cannot be read before its file server does. */
async function plays({ url }: Ran): Promise<void> {
  expect(await ask(url + INDEX)).toMatchObject({ status: 200, text: PLAYLIST });
  expect((await ask(`${url}/live/cam1/seg0.ts`)).text).toHaveLength(10_000);
  expect((await ask(`${url}/live/cam1/x%5cseg0.ts`)).status).toBe(400);
  expect((await ask(`${url}/live/nothing.txt`)).status).toBe(404);
}

it('docs/recipes.md lists its recipes', () => {
  const anchors = [...anchorsOf(PAGE)].filter((anchor) => anchor !== 'recipes');
  expect([...text.matchAll(/^- \[.*\]\(#(.*)\)$/gm)].map(([, anchor]) => anchor)).toEqual(anchors);
});

describe('the recipes for nginx', () => {
  let nginx: ChildProcess | undefined;
  afterEach(async () => {
    if (nginx === undefined) return;
    const ended = once(nginx, 'exit');
    nginx.kill('SIGQUIT');
    await ended;
    nginx = undefined;
  });

  it('pass on the client’s address', async () => {
    const app = await run(recipe('nginx in front'));
    await plays(app);
    const url = await nginxWith(locationOf(app));
    const answer = await untilAnswered(`${url}${INDEX}`, { 'x-forwarded-for': '203.0.113.7' });
    expect(answer).toMatchObject({ status: 200, text: PLAYLIST });
    // this test is on the machine itself, and is believed when it says for whom it asks
    expect(app.output).toEqual(['127.0.0.1 watches cam1', '203.0.113.7 watches cam1']);
  });

  it('have nginx send what the app admits', async () => {
    const app = await run(recipe('nginx sends the files'));
    chmodSync(folder, 0o755); // nginx of root reads files as somebody else
    const media = recipe('nginx sends the files', 'nginx').code.replace('/srv/media/', `${folder}/media/`);
    expect(media).toContain(folder);
    const url = await nginxWith(`${locationOf(app)} ${media}`);
    expect(await untilAnswered(url + INDEX, {})).toMatchObject({ status: 200, text: PLAYLIST });
    expect((await ask(`${url}/live/cam1/seg0.ts`)).text).toHaveLength(10_000);
    expect((await ask(`${url}/live/cam1/seg0.ts`, {}, 'POST')).status).toBe(405);
    expect((await ask(`${url}/media/cam1/seg0.ts`)).status).toBe(404);
  });

  function locationOf({ url }: Ran): string {
    const location = recipe('nginx in front', 'nginx').code.replace('http://127.0.0.1:8080', url);
    expect(location).toContain(url);
    return location;
  }

  async function nginxWith(locations: string): Promise<string> {
    const port = await freePort();
    const names = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'];
    writeFileSync(
      join(folder, 'nginx.conf'),
      `daemon off; pid ${folder}/nginx.pid; error_log stderr; events {}
       http { access_log off; ${names.map((name) => `${name}_temp_path ${folder}/${name};`).join(' ')}
         server { listen 127.0.0.1:${port}; ${locations} } }`,
    );
    nginx = spawn('nginx', ['-e', 'stderr', '-p', folder, '-c', join(folder, 'nginx.conf')], {
      stdio: 'ignore',
      env: { ...process.env, PATH: `${process.env.PATH}:/usr/sbin` },
    });
    return `http://127.0.0.1:${port}`;
  }

  async function untilAnswered(url: string, headers: Record<string, string>) {
    for (const deadline = Date.now() + 8000; ;) {
      try {
        return await ask(url, headers);
      } catch (error) {
        if (Date.now() > deadline) throw error;
        await pace(20);
      }
    }
  }
});

it('the recipe for plain http works', async () => {
  const app = await run(recipe('Plain http'));
  await plays(app);
  expect((await ask(`${app.url}/cam1/index.m3u8`)).status).toBe(404);
});

it('the recipe for Fastify works', async () => {
  const app = await run(recipe('Fastify'));
  await plays(app);
  expect(await ask(`${app.url}/viewers`)).toMatchObject({ status: 200, text: '{"viewers":1}' });
});

it('the recipe for Koa works', async () => {
  await plays(await run(recipe('Koa')));
});

it('the recipe for Nest works', async () => {
  await plays(await run(recipe('Nest')));
});

it('the recipe for Hono, Next.js and others works', async () => {
  const { url } = await run(recipe('Hono, Next.js and others'));
  expect((await ask(`${url}/page`)).text).toBe('an answer to /page');
  expect((await ask(url + INDEX)).text).toBe(`an answer to ${INDEX}`);
  expect((await ask(`${url}/live/cam1/x%5cseg0.ts`)).status).toBe(400);
});

it('the recipe for logged-in viewers works', async () => {
  const app = await run(recipe('Viewers who are logged in'));
  expect((await ask(app.url + INDEX)).status).toBe(401);
  expect((await ask(app.url + INDEX, { cookie: 'login=guessed' })).status).toBe(401);
  expect((await ask(`${app.url}${INDEX}?login=a-long-random-text`)).status).toBe(401);
  for (const file of ['index.m3u8', 'seg0.ts']) {
    expect((await ask(`${app.url}/live/cam1/${file}`, { cookie: 'login=a-long-random-text' })).status).toBe(200);
  }
  expect(app.output).toEqual(['ann watches cam1']);
});

it('the recipe for a dashboard on another origin works', async () => {
  const app = await run(recipe('A dashboard on another origin'));
  const dashboard = { origin: 'https://dashboard.example', 'sec-fetch-site': 'cross-site' };
  const allowed = (answer: { headers: Headers }) => answer.headers.get('access-control-allow-origin');

  const media = await ask(app.url + INDEX, { origin: 'https://player.example' });
  expect([media.status, allowed(media)]).toEqual([200, '*']);
  const preflight = { ...dashboard, 'access-control-request-method': 'DELETE' };
  expect(allowed(await ask(`${app.url}/api/sessions`, preflight, 'OPTIONS'))).toBe(dashboard.origin);

  const list = await ask(`${app.url}/api/sessions`, { ...dashboard, authorization: 'Bearer change me' });
  expect([list.status, allowed(list)]).toEqual([200, dashboard.origin]);
  const [{ id }] = (JSON.parse(list.text) as { sessions: [{ id: string }] }).sessions;
  const kick = { ...dashboard, authorization: 'Bearer change me' };
  expect((await ask(`${app.url}/api/sessions/${id}`, kick, 'DELETE')).status).toBe(204);
  const refused = await ask(app.url + INDEX, { origin: 'https://player.example' });
  expect([refused.status, allowed(refused)]).toEqual([403, '*']);

  expect((await ask(`${app.url}/api/sessions`, dashboard)).status).toBe(403);
});

describe('the recipe for PM2, systemd and Docker', () => {
  it('runs one process, whose list is closed by a signal', async () => {
    const signals = ['SIGINT', 'SIGTERM'] as const;
    const before = signals.flatMap((signal) => process.listeners(signal));
    const app = await run(recipe('PM2, systemd, Docker'));
    await plays(app);
    const added = signals.map((signal) => process.listeners(signal).filter((each) => !before.includes(each)));
    signals.forEach((signal, i) => added[i]?.forEach((listener) => process.removeListener(signal, listener)));
    expect(added.map(({ length }) => length)).toEqual([1, 1]);
    (added[0]?.[0] as () => void)();
    for (let i = 0; i < 100 && app.output.length === 0; i++) await new Promise((resolve) => setImmediate(resolve));
    expect(app.output).toEqual(['cam1: shutdown']);
    await expect(ask(app.url + INDEX)).rejects.toThrow('fetch failed');
  });

  it('has a configuration that Node can read', () => {
    writeFileSync(join(folder, 'ecosystem.config.cjs'), recipe('PM2, systemd, Docker', 'js').code);
    const program = 'console.log(JSON.stringify(require("./ecosystem.config.cjs").apps[0]))';
    const app: unknown = JSON.parse(execFileSync(process.execPath, ['-e', program], { encoding: 'utf8' }));
    expect(app).toMatchObject({ script: 'server.mjs', exec_mode: 'fork', instances: 1 });
  });
});

it('the recipe for tests works', async () => {
  const block = recipe('Testing your app');
  expect((await run(block)).output).toEqual(promisedOutput(block));
});
