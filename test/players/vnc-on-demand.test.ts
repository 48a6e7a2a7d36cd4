import { once } from 'node:events';
import { connect, type AddressInfo } from 'node:net';
import path from 'node:path';
import express from 'express';
import type { Browser } from 'playwright-core';
import { createTracker } from '@stream-sessions/core';
import { createSources, processDriver } from '@stream-sessions/on-demand';
import { createVncProxy } from '@stream-sessions/websocket-adapter';
import { launchChromium } from './support/browser.js';
import { commandOf, descendants } from './support/processes.js';
import { program } from './support/programs.js';
import { until } from './support/until.js';
import { freePort } from '../support/free-port.js';

const NO_VNC = path.join(__dirname, '../../node_modules/@novnc/novnc');
const PAGES = path.join(__dirname, '../../examples/vnc/public');

let browser: Browser;
const closing: (() => unknown)[] = [];
beforeAll(async () => {
  browser = await launchChromium();
});
afterAll(async () => {
  await browser?.close();
  for (const close of closing) await close();
});

/** Whether somebody listens there. */
async function answers(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1');
  const answered = await Promise.race([
    once(socket, 'connect').then(() => true),
    once(socket, 'error').then(() => false),
  ]).catch(() => false);
  socket.destroy();
  return answered;
}

it('a desktop starts with its first viewer in noVNC, and ends after the last', async () => {
  const port = await freePort();
  // a display of its own: no other test counts from here
  const stream = `desk-${1_000 + (port % 20_000)}`;
  const tracker = createTracker();
  const listen = ['-rfbport', String(port), '-localhost', '-nolisten', 'tcp', '-SecurityTypes', 'None'];
  const desktop = [program('Xtigervnc'), ':{display}', ...listen, '-geometry', '320x240', '-depth', '24'];
  const sources = createSources(tracker, {
    sources: [
      {
        pattern: 'desk-{display}',
        driver: processDriver({ command: desktop }),
        playlist: () => answers(port), // it runs when it can be connected to
      },
    ],
    ...{ hibernateAfterMs: 500, checkIntervalMs: 100 },
  });
  const target = { host: '127.0.0.1', port };
  const { ready } = sources;
  const vnc = createVncProxy({ tracker, ready, target: () => target, allow: [`127.0.0.1:${port}`] });
  const app = express().use('/novnc', express.static(NO_VNC)).use(express.static(PAGES));
  const server = app.listen(0, '127.0.0.1');
  server.on('upgrade', vnc.handleUpgrade);
  closing.push(async () => {
    await vnc.close();
    server.close();
    server.closeAllConnections();
    await sources.close();
    await tracker.stop();
  });
  await once(server, 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/?desktop=${stream}`;
  const desktops = (): number[] => descendants(process.pid).filter((pid) => commandOf(pid).includes(`rfbport ${port}`));
  const viewers = (): number => tracker.count({ stream, status: 'active' });

  expect([sources.state(stream), desktops()]).toEqual(['hibernated', []]);
  const look = async () => {
    const page = await browser.newPage();
    await page.goto(url);
    await until('noVNC is connected', async () => (await page.locator('#state').textContent()) === 'connected');
    return page;
  };
  const first = await look();
  const [pid, ...others] = desktops();
  expect([pid === undefined, others]).toEqual([false, []]);
  expect(tracker.list({ stream, status: 'active' })).toMatchObject([{ protocol: 'vnc', kind: 'viewer' }]);
  await until('its picture is counted', () => (tracker.list({ stream, status: 'active' })[0]?.bytes ?? 0) > 100);

  const second = await look();
  await first.close();
  await until('one is left', () => viewers() === 1);
  expect([sources.state(stream), desktops()]).toEqual(['running', [pid]]);

  await second.close();
  await until('it sleeps', () => sources.state(stream) === 'hibernated');
  await until('no process is left', () => desktops().length === 0);
});
