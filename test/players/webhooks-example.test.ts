import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { until } from './support/until.js';

const program = path.join(__dirname, '../../examples/webhooks/server.mjs');
const folder = mkdtempSync(path.join(tmpdir(), 'players-test-'));
const started: ChildProcess[] = [];
/** Of one run after the other. */
let output = '';
afterAll(() => {
  for (const child of started) child.kill('SIGKILL');
  rmSync(folder, { recursive: true, force: true });
});

async function run() {
  const env = { ...process.env, PORT: '0', MEDIA: folder };
  const child = spawn(process.execPath, [program], { cwd: folder, env, stdio: ['ignore', 'pipe', 'inherit'] });
  started.push(child);
  const before = output.length;
  child.stdout.on('data', (data: Buffer) => (output += data.toString()));
  const address = /http:\/\/127\.0\.0\.1:\d+\/live\S+/;
  const [channel = ''] = await until('it runs', () => address.exec(output.slice(before)));
  const end = async (signal: NodeJS.Signals) => {
    child.kill(signal);
    return (await once(child, 'exit')) as [number | null, string | null];
  };
  return { channel, end };
}

const heard = (...lines: RegExp[]) => until(lines.join(), () => lines.every((line) => line.test(output)));

it('the example of webhooks is about thirty lines', () => {
  expect(readFileSync(program, 'utf8').trimEnd().split('\n').length).toBeLessThan(40);
});

it('the example hears of viewers, even if their server was ended or killed, and rejects unsigned calls', async () => {
  mkdirSync(path.join(folder, 'cam1'));
  writeFileSync(path.join(folder, 'cam1/index.m3u8'), '#EXTM3U\n#EXTINF:4,\n1.ts\n');
  const first = await run();
  expect((await fetch(first.channel)).status).toBe(200);
  await heard(/^session\.opened cam1 \S+$/m);

  const headers = {
    'webhook-id': 'msg_1',
    'webhook-timestamp': String(Math.floor(Date.now() / 1000)),
    'webhook-signature': `v1,${Buffer.alloc(32).toString('base64')}`,
  };
  expect((await fetch(new URL('/hook', first.channel), { method: 'POST', headers, body: '{}' })).status).toBe(401);
  await first.end('SIGKILL');

  const second = await run();
  await heard(/^session\.closed cam1 \S+ lost$/m);
  expect((await fetch(second.channel)).status).toBe(200);
  await heard(/^(session\.opened cam1 \S+)$[^]*^\1$/m);
  expect(await second.end('SIGINT')).toEqual([0, null]);

  // the journal has what could not be sent before the end
  await run();
  await heard(/^session\.closed cam1 \S+ shutdown$/m);
});
