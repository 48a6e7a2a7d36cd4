import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Curl } from './support/speed.js';
import { until } from './support/until.js';

const program = path.join(__dirname, '../../examples/speed/server.mjs');
const folder = mkdtempSync(path.join(tmpdir(), 'players-test-'));
let child: ChildProcess;
let curl: Curl | undefined;
afterAll(async () => {
  child.kill('SIGKILL');
  await curl?.stop();
  rmSync(folder, { recursive: true, force: true });
});

it('the example of speed limits is about thirty lines', () => {
  expect(readFileSync(program, 'utf8').trimEnd().split('\n').length).toBeLessThan(36);
});

it('the example limits its viewers, applies a change, and ends at Ctrl-C', async () => {
  for (const stream of ['cam1', 'preview-1']) {
    mkdirSync(path.join(folder, stream), { recursive: true });
    writeFileSync(path.join(folder, stream, '1.ts'), '');
    truncateSync(path.join(folder, stream, '1.ts'), 1e8);
  }
  const env = { ...process.env, PORT: '0', MEDIA: folder };
  child = spawn(process.execPath, [program], { cwd: folder, env, stdio: ['ignore', 'pipe', 'inherit'] });
  let output = '';
  child.stdout!.on('data', (data: Buffer) => (output += data.toString()));
  const [, url] = await until('it runs', () => /(http:\/\/127\.0\.0\.1:\d+)\/live/.exec(output));
  curl = new Curl([`${url}/live/cam1/1.ts`, `${url}/live/preview-1/1.ts`]);
  await until('it reports both', () => / of 4 Mbit/.test(output) && / of 1 Mbit/.test(output));
  expect((await fetch(`${url}/limit/0.5`, { method: 'PUT' })).status).toBe(204);
  await until('it reports the change', () => /cam1: [\d.]+ of 0\.5 Mbit/.test(output));
  const [cam1, preview] = curl.received() as [number, number];
  expect(cam1).toBeGreaterThan(1_000_000);
  expect(preview).toBeGreaterThan(250_000);
  expect(preview).toBeLessThan(1_000_000);
  child.kill('SIGINT');
  expect(await once(child, 'exit')).toEqual([0, null]);
});
