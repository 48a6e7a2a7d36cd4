import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { blocksOf, pages, root } from './support/markdown.js';
import { closeServers, complaints, promisedOutput, run } from './support/snippets.js';

const examples = pages().flatMap((file) => blocksOf(file, 'ts'));
const quickStart = examples.find(({ file }) => file === 'README.md');

const home = process.cwd();
let folder: string;
beforeEach(() => {
  // examples that read or write files do so where they run
  folder = mkdtempSync(join(tmpdir(), 'stream-sessions-docs-'));
  process.chdir(folder);
});
afterEach(async () => {
  await closeServers();
  process.chdir(home);
  rmSync(folder, { recursive: true, force: true });
});

it('examples in READMEs compile under the strict options of the sources', () => {
  expect(examples.length).toBeGreaterThan(8);
  expect(complaints(examples)).toEqual([]);
}, 120_000);

it('the check of examples reports a mistake in one', () => {
  const code = `import { createTracker } from '@stream-sessions/core';\ncreateTracker({ idleTimeout: 1 });\n`;
  const [complaint] = complaints([{ file: 'a.md', line: 7, language: 'ts', info: '', code }]);
  expect(complaint).toMatch(/^a\.md:9 .*idleTimeoutMs/);
}, 120_000);

const programs = readdirSync(join(root, 'examples')).flatMap((name) => {
  const file = join(root, 'examples', name, 'server.mjs');
  return existsSync(file) ? [{ file, code: readFileSync(file, 'utf8') }] : [];
});

it('every program of examples/ ends tidily by Ctrl-C, and by the signal of systemd and Docker', () => {
  expect(programs.length).toBeGreaterThan(10);
  for (const { file, code } of programs) {
    for (const signal of ['SIGINT', 'SIGTERM']) expect([file, code.includes(`'${signal}'`)]).toEqual([file, true]);
  }
});

it('nothing of Express says that it listens on a port that is taken: it calls back with the error', () => {
  const deaf = [...examples, ...programs].filter(({ code }) => /\bapp\.listen\([^)]*, \(\) =>/.test(code));
  expect(deaf.map(({ file }) => file)).toEqual([]);
});

// those with a file name import each other: see contracts.test.ts; recipes are played: see recipes.test.ts
const others = examples.filter(
  (block) => block !== quickStart && block.info === '' && block.file !== 'docs/recipes.md',
);

it.each(others.map((block) => [`${block.file}:${block.line}`, block] as const))(
  '%s runs, and writes exactly the output that it shows',
  async (_where, block) => {
    const { output } = await run(block);
    expect(output).toEqual(promisedOutput(block));
  },
  // one starts a whole database
  60_000,
);

describe('the quick start', () => {
  beforeEach(() => {
    mkdirSync('media/cam1', { recursive: true });
    writeFileSync('media/cam1/index.m3u8', '#EXTM3U\n');
  });

  it('is less than 40 lines', () => {
    expect(quickStart?.code.trimEnd().split('\n').length).toBeLessThan(40);
  });

  it('counts a viewer, lists and kicks it, and then refuses it', async () => {
    const printed = jest.spyOn(process.stderr, 'write').mockReturnValue(true);
    const { url, output } = await run(quickStart!);
    const [, path] = /http:\/\/127\.0\.0\.1:8080(\/api\/sessions\?key=\S+)/.exec(String(printed.mock.calls)) ?? [];
    const [name = '', value = ''] = readFileSync('.stream-sessions-key', 'utf8').trim().split(': ');
    const headers = { [name]: value };
    expect((await fetch(`${url}/api/sessions`)).status).toBe(401);
    expect((await fetch(`${url}${path}`, { redirect: 'manual' })).status).toBe(303);
    const playlist = await fetch(`${url}/live/cam1/index.m3u8`);
    expect([playlist.status, await playlist.text()]).toEqual([200, '#EXTM3U\n']);

    const { sessions } = (await (await fetch(`${url}/api/sessions`, { headers })).json()) as {
      sessions: { id: string }[];
    };
    expect(sessions).toEqual([expect.objectContaining({ stream_code: 'cam1', proto: 'hls', bytes: 8 })]);

    const id = sessions[0]!.id;
    expect((await fetch(`${url}/api/sessions/${id}`, { method: 'DELETE', headers })).status).toBe(204);
    expect((await fetch(`${url}/live/cam1/index.m3u8`)).status).toBe(403);
    expect(output).toEqual([
      'Play http://127.0.0.1:8080/live/cam1/index.m3u8',
      `${id.slice(0, 8)} watches cam1`,
      `${id.slice(0, 8)} left cam1: kicked`,
    ]);
  });
});
