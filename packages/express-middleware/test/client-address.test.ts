import net from 'node:net';
import http from 'node:http';
import os from 'node:os';
import path from 'node:path';
import express from 'express';
import express4 from 'express4';
import { createTracker, type SessionTracker } from '@stream-sessions/core';
import { trackPlayback, type TrustProxy } from '../src/index.js';
import { get, until } from './support/client.js';
import { closeServers, serve } from './support/serve.js';

let tracker: SessionTracker;
let warn: jest.SpyInstance;

beforeEach(() => {
  tracker = createTracker();
  warn = jest.spyOn(process, 'emitWarning').mockImplementation(() => undefined);
});
afterEach(async () => {
  await closeServers();
  await tracker.stop();
});

const plain = (trustProxy?: TrustProxy) => {
  const track = trackPlayback(tracker, trustProxy === undefined ? {} : { trustProxy });
  return serve((req, res) => track(req, res, () => res.end('media')));
};
const framework = (make: typeof express, trust?: unknown) => {
  const app = make();
  if (trust !== undefined) app.set('trust proxy', trust);
  return serve(app.use(trackPlayback(tracker), (_req, res) => void res.send('media')));
};
const session = () => tracker.list()[0];

describe.each(Object.entries({ 'Express 5': express, 'Express 4': express4 }))(
  'the address of a client of %s',
  (_name, make) => {
    it('follows the setting `trust proxy`', async () => {
      const { url } = await framework(make, 'loopback');
      await get(url, '/cam1/a.ts', { 'x-forwarded-for': '203.0.113.7, 127.0.0.1', 'x-forwarded-proto': 'https' });
      expect(session()).toMatchObject({ ip: '203.0.113.7', secure: true });
      expect(warn).not.toHaveBeenCalled();
    });

    it('is req.ip, even if the app redefines that', async () => {
      const app = make();
      Object.defineProperty(app.request, 'ip', { get: () => '198.51.100.9' });
      const { url } = await serve(app.use(trackPlayback(tracker), (_req, res) => void res.send('media')));
      await get(url, '/cam1/a.ts');
      expect(session()?.ip).toBe('198.51.100.9');
    });

    it('is always an address, even if every proxy is trusted and the client made it up', async () => {
      const { url } = await framework(make, true);
      await get(url, '/cam1/a.ts', { 'x-forwarded-for': '<script>, 203.0.113.7' });
      expect(session()?.ip).toBe('127.0.0.1');
      await get(url, '/cam2/a.ts', { 'x-forwarded-for': '203.0.113.7:4711' });
      await get(url, '/cam3/a.ts', { 'x-forwarded-for': '[2001:db8::1]:4711' });
      expect(tracker.list({ stream: 'cam2' })).toMatchObject([{ ip: '203.0.113.7' }]);
      expect(tracker.list({ stream: 'cam3' })).toMatchObject([{ ip: '2001:db8::1' }]);
    });
  },
);

describe('the address of a client', () => {
  it('is the socket’s if no proxy is trusted, whatever is forged; one warning names the fix', async () => {
    const express5 = await framework(express);
    const bare = await plain();
    for (const { url } of [express5, bare]) {
      for (let i = 0; i < 3; i++) {
        await get(url, '/cam1/a.ts', {
          'x-forwarded-for': `203.0.113.${i}`,
          forwarded: 'for=198.51.100.1',
          'x-real-ip': '9.9.9.9',
        });
      }
    }
    expect(tracker.list()).toMatchObject([{ ip: '127.0.0.1' }]);
    expect(warn).toHaveBeenCalledTimes(1);
    expect(warn).toHaveBeenCalledWith(
      expect.stringContaining("app.set('trust proxy'"),
      expect.objectContaining({ code: 'STREAM_SESSIONS_UNTRUSTED_PROXY' }),
    );
  });

  it.each([
    [true, '203.0.113.7', '203.0.113.7'],
    [1, '203.0.113.7, 198.51.100.1', '198.51.100.1'],
    [2, '203.0.113.7, 198.51.100.1', '203.0.113.7'],
    ['loopback', '203.0.113.7, 198.51.100.1', '198.51.100.1'],
    ['loopback, 198.51.100.0/24', '203.0.113.7, 198.51.100.1', '203.0.113.7'],
    [['127.0.0.1'], '203.0.113.7', '203.0.113.7'],
    [(address: string) => address === '127.0.0.1', '203.0.113.7', '203.0.113.7'],
    [false, '203.0.113.7', '127.0.0.1'],
    [0, '203.0.113.7', '127.0.0.1'],
    ['10.0.0.0/8', '203.0.113.7', '127.0.0.1'],
    [true, 'unknown', '127.0.0.1'],
  ] as [TrustProxy, string, string][])('with trustProxy %p and %s is %s', async (trust, forwarded, ip) => {
    const { url } = await plain(trust);
    await get(url, '/cam1/a.ts', { 'x-forwarded-for': forwarded, 'x-forwarded-proto': 'https, http' });
    expect(session()).toMatchObject({ ip, secure: trust !== false && trust !== 0 && trust !== '10.0.0.0/8' });
    expect(warn).not.toHaveBeenCalled();
  });

  it('is an error of the app where trustProxy answers with a promise, which would trust everybody', async () => {
    const track = trackPlayback(tracker, { trustProxy: (async () => false) as never });
    const { url } = await serve((req, res) => track(req, res, (error?: unknown) => res.end(String(error))));
    const { text } = await get(url, '/cam1/a.ts', { 'x-forwarded-for': '203.0.113.9' });
    expect(text).toContain('trustProxy() must not be async');
    expect(tracker.count()).toBe(0);
  });

  it('on a Unix socket is this machine', async () => {
    const socketPath = path.join(os.tmpdir(), `stream-sessions-${process.pid}.sock`);
    const track = trackPlayback(tracker);
    const server = http.createServer((req, res) => track(req, res, () => res.end('media')));
    await new Promise<void>((resolve) => server.listen(socketPath, resolve));
    const client = net.connect(socketPath);
    client.write('GET /cam1/a.ts HTTP/1.1\r\nHost: h\r\n\r\n');
    await until(() => session()?.bytes === 5);
    expect(session()?.ip).toBe('127.0.0.1');
    client.destroy();
    await new Promise((resolve) => server.close(resolve));
  });

  it('of IPv4 on an IPv6 socket is the IPv4 address', async () => {
    const track = trackPlayback(tracker);
    const server = http.createServer((req, res) => track(req, res, () => res.end('media')));
    await new Promise<void>((resolve) => server.listen(0, '::', resolve));
    const { port } = server.address() as net.AddressInfo;
    await get(`http://127.0.0.1:${port}`, '/cam1/a.ts');
    expect(session()?.ip).toBe('127.0.0.1');
    await new Promise((resolve) => server.close(resolve));
  });
});
