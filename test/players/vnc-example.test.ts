import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Browser } from 'playwright-core';
import type { WireSession } from '@stream-sessions/core';
import { launchChromium } from './support/browser.js';
import { until } from './support/until.js';
import { startVncDesktop, type VncDesktop } from './support/vnc-desktop.js';

const program = path.join(__dirname, '../../examples/vnc/server.mjs');
const folder = mkdtempSync(path.join(tmpdir(), 'players-test-'));
let desktop: VncDesktop;
let browser: Browser;
let child: ChildProcess | undefined;

beforeAll(async () => {
  [desktop, browser] = await Promise.all([startVncDesktop('0x12a35b'), launchChromium()]);
});
afterAll(async () => {
  child?.kill('SIGKILL');
  await browser?.close();
  await desktop?.stop();
  rmSync(folder, { recursive: true, force: true });
});

it('the VNC example is about thirty lines', () => {
  expect(readFileSync(program, 'utf8').trimEnd().split('\n').length).toBeLessThan(36);
});

it('noVNC shows the desktop, is listed and may type, and a kick ends that and keeps it out', async () => {
  const env = { ...process.env, PORT: '0', VNC: `127.0.0.1:${desktop.port}` };
  child = spawn(process.execPath, [program], { cwd: folder, env, stdio: ['ignore', 'pipe', 'inherit'] });
  let output = '';
  child.stdout?.on('data', (data: Buffer) => (output += data.toString()));
  const [page_, origin] = await until('it runs', () => /(http:\/\/127\.0\.0\.1:\d+)\/\?desktop=\w+/.exec(output));
  const [, name = '', value = ''] = /^(\S+): (.*)$/m.exec(
    readFileSync(path.join(folder, '.stream-sessions-key'), 'utf8'),
  )!;
  const api = (method: string, where: string) =>
    fetch(`${origin}/api/${where}`, { method, headers: { [name]: value } });
  const active = async () =>
    ((await (await api('GET', 'sessions?status=active')).json()) as { sessions: WireSession[] }).sessions;

  const page = await browser.newPage();
  await page.goto(page_);
  // the colour, as it comes out of YUV and JPEG
  const isGreen = async () => {
    const pixel = `[...(document.querySelector('canvas')?.getContext('2d').getImageData(160, 120, 1, 1).data ?? [])]`;
    const seen: number[] = await page.evaluate(pixel);
    return [0x12, 0xa3, 0x5b].every((value, i) => Math.abs(value - (seen[i] ?? Infinity)) < 8);
  };
  const state = () => page.locator('#state').textContent();
  await until('the picture is there', isGreen);
  const [session, ...others] = await active();
  expect(others).toEqual([]);
  expect(session).toMatchObject({ stream_code: 'desk1', protos: ['vnc'], kind: 'viewer', ip: '127.0.0.1' });
  await until('its bytes are counted', async () => ((await active())[0]?.bytes ?? 0) > 100);

  await page.locator('canvas').hover();
  await until('the key has arrived', async () => {
    await page.keyboard.press('q');
    return desktop.app.exitCode !== null;
  });
  await until('its window is gone from the picture', async () => !(await isGreen()));

  expect((await api('DELETE', `sessions/${session!.id}`)).status).toBe(204);
  await until('noVNC is cut', async () => (await state()) === 'disconnected');
  expect(output).toMatch(/- 127\.0\.0\.1: kicked, \d{3,} bytes/);
  const opened = output.split('looks at desk1').length;
  await page.reload();
  await until('it is refused', async () => (await state()) === 'disconnected');
  expect([await active(), output.split('looks at desk1').length]).toEqual([[], opened]);

  child.kill('SIGINT');
  expect(await once(child, 'exit')).toEqual([0, null]);
});
