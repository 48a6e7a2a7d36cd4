import express from 'express';
import type { Candidate, DenialKind, Policy, Verdict } from '@stream-sessions/core';
import { createTracker } from '@stream-sessions/core';
import { WebSocketServer } from 'ws';
import { attachWebSocketServer } from '../src/index.js';
import { NO_CLOCK, NO_DURATION } from '../../../test/support/impossible.js';
import { soon, until } from '../../../test/support/until.js';
import { statusOf, upgradeRequest } from './support/raw.js';
import { Stage } from './support/stage.js';

let stage: Stage;
const start = async (given: Parameters<typeof Stage.start>[0] = {}) => (stage = await Stage.start(given));
afterEach(() => stage.stop());
const active = () => stage.tracker.list({ status: 'active' });
const policy = (admit: (candidate: Candidate) => Verdict | Promise<Verdict>): Policy => ({ name: 'door', admit });

describe('a refused client', () => {
  it.each([
    ['credentials', 401],
    ['forbidden', 403],
    ['limit', 429],
    ['overload', 503],
  ] as [DenialKind, number][])('gets the status of its denial before the upgrade: %s is %i', async (kind, status) => {
    const no: Verdict = { allow: false, reason: 'unauthorized', kind, detail: 'for operators' };
    await start({ tracker: { policies: [policy(() => no)] } });
    let connected = 0;
    stage.wss.on('connection', () => connected++);
    const client = stage.connect('/live/cam1?token=abc');
    await client.ended;
    expect([client.status, client.text]).toEqual([status, 'unauthorized\n']);
    expect(client.headers).toMatchObject({
      'content-type': 'text/plain; charset=utf-8',
      'x-content-type-options': 'nosniff',
      'cache-control': 'no-store',
    });
    expect(client.headers['www-authenticate']).toBe(kind === 'credentials' ? 'Bearer' : undefined);
    expect([connected, active().length]).toEqual([0, 0]);
  });

  it('is one whose request names no stream, or that routers could read in two ways', async () => {
    await start();
    const paths = ['/', '//', '//evil/cam1', '/live/%zz', '/live/cam%2531', '/live/a/../b', '/live/a%5Cb', '/%00', '*'];
    paths.push(
      `/live/${'x'.repeat(257)}`,
      `/live/cam1?token=${'x'.repeat(5000)}`,
      '/live/cam1;x=1',
      'http://evil/live/cam1',
    );
    const statuses = await Promise.all(paths.map((path) => statusOf(stage.port, upgradeRequest(path))));
    expect(statuses).toEqual(paths.map(() => 400));
    expect(stage.tracker.stats().openedTotal).toBe(0);
  });

  it('is one for which a function of the app failed, and the app gets the error', async () => {
    const warned = jest.spyOn(process, 'emitWarning').mockImplementation(() => undefined);
    await start({
      options: {
        stream: () => {
          throw new Error('a mistake');
        },
      },
    });
    const client = stage.connect();
    await client.ended;
    expect([client.status, client.text]).toEqual([500, 'The server could not judge this request.\n']);
    expect(warned).toHaveBeenCalledWith(
      expect.stringContaining('a mistake'),
      expect.objectContaining({ code: 'STREAM_SESSIONS_ADAPTER_FAULT' }),
    );
  });

  it('is one on a page of another origin, if only some may connect', async () => {
    await start({ options: { origins: ['https://app.example'] } });
    const own = `http://127.0.0.1:${stage.port}`;
    const origins = [
      own,
      'https://app.example',
      undefined,
      'http://127.0.0.1',
      'https://app.example.evil',
      'null',
      'x',
    ];
    const clients = origins.map((origin) => stage.connect('/live/cam1', origin === undefined ? {} : { origin }));
    await until('each has its answer', () => clients.every(({ isOpen, status }) => isOpen || status !== undefined));
    expect(clients.map(({ status }) => status)).toEqual([undefined, undefined, undefined, 403, 403, 403, 403]);
    expect(active()).toHaveLength(3);
  });

  it('is one that ws itself or its verifyClient refuses, without asking the tracker', async () => {
    const admit = jest.fn(() => ({ allow: true }) as const);
    await start({
      tracker: { policies: [policy(admit)] },
      server: { path: '/ws', verifyClient: ({ req }, answer) => answer(req.headers.origin === 'https://ours', 418) },
      options: { stream: () => 'cam1' },
    });
    const [elsewhere, foreign] = [stage.connect('/other'), stage.connect('/ws', { origin: 'https://theirs' })];
    await Promise.all([elsewhere.ended, foreign.ended]);
    expect([elsewhere.status, foreign.status, admit.mock.calls.length]).toEqual([400, 418, 0]);
    const ours = stage.connect('/ws', { origin: 'https://ours' });
    await until('it is let in', () => ours.isOpen);
    expect(active()).toHaveLength(1);
  });
});

describe('a client', () => {
  it('is known by everything that its request says, and no secret is shown', async () => {
    const seen: Candidate[] = [];
    await start({
      tracker: { policies: [policy((candidate) => (seen.push({ ...candidate }), { allow: true }))] },
      options: { trustProxy: 'loopback' },
    });
    const headers = {
      'user-agent': 'test/1.0',
      authorization: 'Bearer hush-hush-1',
      cookie: 'a=b; token=hush-hush-2',
      'x-forwarded-for': '198.51.100.7',
      'x-forwarded-proto': 'https',
    };
    const client = stage.connect('/live/cam%201?x=1', { headers });
    await until('it is let in', () => client.isOpen);
    expect(seen).toEqual([
      expect.objectContaining({
        stream: 'cam 1',
        protocol: 'websocket',
        token: 'hush-hush-2',
        url: '/live/cam%201?x=1',
        credentials: { scheme: 'bearer', token: 'hush-hush-1' },
      }),
    ]);
    expect(active()).toEqual([
      expect.objectContaining({
        stream: 'cam 1',
        ip: '198.51.100.7',
        userAgent: 'test/1.0',
        query: 'x=1',
        kind: 'viewer',
      }),
    ]);
    expect(JSON.stringify(active())).not.toContain('hush');
  });

  it('has its own address if the proxy that gives another one is not trusted, which causes one warning', async () => {
    const warned = jest.spyOn(process, 'emitWarning').mockImplementation(() => undefined);
    await start();
    for (const each of [1, 2]) stage.connect(`/live/cam${each}`, { headers: { 'x-forwarded-for': '198.51.100.7' } });
    await until('both are let in', () => active().length === 2);
    expect(new Set(active().map(({ ip }) => ip))).toEqual(new Set(['127.0.0.1']));
    expect(warned.mock.calls.map(([, options]) => options)).toEqual([
      expect.objectContaining({ code: 'STREAM_SESSIONS_UNTRUSTED_PROXY' }),
    ]);
  });

  it('keeps its subprotocol, which is the one that the app has chosen', async () => {
    await start({ server: { handleProtocols: (offered) => (offered.has('two') ? 'two' : false) } });
    const client = stage.connect('/live/cam1', {}, ['one', 'two']);
    await until('it is let in', () => client.isOpen);
    expect(client.ws.protocol).toBe('two');
  });

  it('passes uncounted if the app says so', async () => {
    await start({ options: { stream: ({ url }) => (url === '/chat' ? null : 'cam1') } });
    const chat = stage.connect('/chat');
    await until('it is let in', () => chat.isOpen);
    expect(active()).toEqual([]);
  });

  it('that leaves before its upgrade while a policy is pending is gone at once', async () => {
    const settled = jest.fn();
    let answer: ((verdict: Verdict) => void) | undefined;
    const slow: Policy = { ...policy(() => new Promise((resolve) => (answer = resolve))), settled };
    await start({ tracker: { policies: [slow] } });
    const sockets = () => new Promise((resolve) => stage.http.getConnections((_error, count) => resolve(count)));
    const client = stage.connect();
    await until('the policy is asked', () => answer !== undefined);
    client.ws.terminate();
    await until('its socket is closed', async () => (await sockets()) === 0);
    answer!({ allow: true });
    await until('the policy hears of it', () => settled.mock.calls.length === 1);
    expect([settled.mock.calls[0]?.[1], active()]).toEqual([undefined, []]);
  });

  it('that is kicked by a listener of `opened` gets no upgrade', async () => {
    await start();
    stage.tracker.on('opened', ({ session }) => void stage.tracker.kick(session.id));
    const client = stage.connect();
    await client.ended;
    expect(client.status).toBe(403);
    expect(stage.wss.clients.size).toBe(0);
  });
});

describe('the end of a connection', () => {
  it('has the code 4403 and the reason for a kicked client, whose next request is answered 403', async () => {
    await start();
    const client = stage.connect('/live/cam1?token=abc');
    await until('it is let in', () => client.isOpen && active().length === 1);
    let isOver = false;
    void client.ended.then(() => (isOver = true));
    stage.tracker.kick(active()[0]!.id);
    await soon('it is over', 250, () => isOver);
    expect(client.closed).toEqual({ code: 4403, reason: 'kicked' });
    const again = stage.connect('/live/cam1?token=abc');
    await again.ended;
    expect(again.status).toBe(403);
    expect(Number(again.headers['retry-after'])).toBeGreaterThan(1);
  });

  it('also comes to a kicked client that does not answer, and nothing that it sends is passed on', async () => {
    await start();
    const heard: string[] = [];
    stage.wss.on('connection', (ws) => ws.on('message', (data: Buffer) => heard.push(data.toString())));
    const client = stage.connect();
    await until('it is let in', () => client.isOpen && active().length === 1);
    client.ws.send('before');
    await until('it is heard', () => heard.length === 1);
    client.ws.pause(); // reads nothing: neither the close nor the end
    stage.tracker.kick(active()[0]!.id);
    client.ws.send('after');
    await soon('it is destroyed', 2_000, () => stage.wss.clients.size === 0);
    expect(heard).toEqual(['before']);
  });

  it('has the code 1001 for all when the tracker stops', async () => {
    await start();
    const client = stage.connect();
    await until('it is let in', () => client.isOpen);
    await stage.tracker.stop();
    await client.ended;
    expect(client.closed).toEqual({ code: 1001, reason: 'shutdown' });
  });
});

it('two servers on one http.Server each have their own rules, and Express works beside them', async () => {
  const app = express().get('/', (_req, res) => void res.send('a page'));
  await start({ server: { noServer: true } });
  stage.http.removeAllListeners('request').on('request', app);
  const [media, chat] = [stage.wss, new WebSocketServer({ noServer: true })];
  const chatters = createTracker();
  const attached = attachWebSocketServer(chat, chatters, { protocol: 'chat', stream: () => 'lobby' });
  stage.http.on('upgrade', (request, socket, head) => {
    const wss = request.url?.startsWith('/chat') ? chat : media;
    wss.handleUpgrade(request, socket, head, (ws) => wss.emit('connection', ws, request));
  });
  const clients = ['/live/cam1', '/chat'].map((path) => stage.connect(path));
  await until('both are let in', () => clients.every(({ isOpen }) => isOpen));
  expect(active().map(({ stream }) => stream)).toEqual(['cam1']);
  expect(chatters.list().map(({ stream, protocol }) => [stream, protocol])).toEqual([['lobby', 'chat']]);
  expect(await (await fetch(`http://127.0.0.1:${stage.port}/`)).text()).toBe('a page');
  await attached.detach();
  await chatters.stop();
});

it('two trackers of one server both see a client, and the first can be detached without the second', async () => {
  await start();
  const own = Object.getOwnPropertyDescriptor(stage.wss, 'handleUpgrade')?.value;
  const second = createTracker();
  const attached = attachWebSocketServer(stage.wss, second);
  const client = stage.connect();
  await until('it is let in', () => client.isOpen);
  expect([active().length, second.count()]).toEqual([1, 1]);
  await stage.attachment.detach();
  const other = stage.connect('/live/cam2');
  await until('it is let in', () => other.isOpen && second.count() === 2);
  expect(active()).toEqual([]);
  await attached.detach();
  await attached.detach();
  expect(stage.wss.handleUpgrade).toBe(own);
  const free = stage.connect('/no/../stream');
  await until('it is let in', () => free.isOpen);
  await second.stop();
});

it('attachWebSocketServer rejects anything that cannot be upgraded, and names an unknown option', async () => {
  await start();
  expect(() => attachWebSocketServer({} as never, stage.tracker)).toThrow(
    expect.objectContaining({ code: 'ERR_BAD_SERVER' }),
  );
  for (const options of [
    { stallTimeout: 1 },
    { stream: 'cam1' },
    { silenceTimeoutMs: -1 },
    { trustProxy: 'nonsense' },
    { origins: ['app.example'] },
    ...NO_DURATION.flatMap((ms) => [{ stallTimeoutMs: ms }, { silenceTimeoutMs: ms }]),
    ...NO_CLOCK.map((clock) => ({ clock })),
  ]) {
    expect(() => attachWebSocketServer(stage.wss, stage.tracker, options as never)).toThrow(
      expect.objectContaining({ code: 'ERR_BAD_OPTION' }),
    );
  }
  expect(() => attachWebSocketServer(stage.wss, {} as never)).toThrow(
    expect.objectContaining({ code: 'ERR_BAD_OPTION' }),
  );
});
