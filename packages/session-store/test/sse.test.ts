import { randomUUID } from 'node:crypto';
import { createServer, connect } from 'node:http2';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { fakeClock } from '@stream-sessions/core/testing';
import { createManager, localStorage, SseSession } from '@stream-sessions/session-store';
import { until } from '../../../test/support/until.js';
import { closeServers, exchange } from './support/sse-server.js';

afterEach(closeServers);

const session = (options = {}) => new SseSession(randomUUID(), options);
const codeOf = (run: () => unknown): unknown => {
  try {
    run();
    return undefined;
  } catch (error) {
    const { code, status } = error as { code: string; status: number };
    return `${code} ${status}`;
  }
};

describe('an SSE session', () => {
  it('writes each message as an event to the response, whatever is in it', async () => {
    const sse = session();
    const { res, head, read } = await exchange();
    sse.attach(res);
    const { statusCode, headers } = await head();
    expect(statusCode).toBe(200);
    expect(headers).toMatchObject({
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-cache, no-transform',
      'x-accel-buffering': 'no',
    });
    const long = 'ü'.repeat(10_000);
    sse.sendMessage('one');
    sse.sendMessage('two\nlines\r\nand\ra third\n');
    sse.sendMessage('日本 🙂', { event: 'news', id: '7' });
    sse.sendMessage('');
    sse.sendMessage(long);
    const expected =
      'data: one\n\n' +
      'data: two\ndata: lines\ndata: and\ndata: a third\ndata: \n\n' +
      'event: news\nid: 7\ndata: 日本 🙂\n\n' +
      'data: \n\n' +
      `data: ${long}\n\n`;
    await until('all has arrived', () => read().length >= expected.length);
    expect(read()).toBe(expected);
  });

  it('keeps what is sent before its client has connected, in order', async () => {
    const sse = session();
    sse.sendMessage('first');
    sse.sendMessage('second');
    expect(sse.waiting).toBe(2);
    const { res, read } = await exchange();
    sse.attach(res);
    sse.sendMessage('third');
    await until('all three', () => read().includes('third'));
    expect(read()).toBe('data: first\n\ndata: second\n\ndata: third\n\n');
    expect(sse.waiting).toBe(0);
  });

  it('refuses the 101st message that waits, and counts it', () => {
    const sse = session();
    for (let n = 0; n < 100; n++) sse.sendMessage(String(n));
    expect(codeOf(() => sse.sendMessage('one too many'))).toBe('ERR_CHANNEL_FULL 503');
    expect([sse.waiting, sse.dropped]).toEqual([100, 1]);
  });

  it('refuses text that cannot be an event', () => {
    const sse = session();
    const bad = 'ERR_BAD_MESSAGE 400';
    expect(codeOf(() => sse.sendMessage(7 as never))).toBe(bad);
    expect(codeOf(() => sse.sendMessage('x'.repeat(262_145)))).toBe(bad);
    expect(codeOf(() => sse.sendMessage('x', { event: 'a\ndata: forged' }))).toBe(bad);
    expect(codeOf(() => sse.sendMessage('x', { id: 'a\rb' }))).toBe(bad);
    expect(codeOf(() => sse.sendMessage('x', { id: '\0' }))).toBe(bad);
    expect([sse.waiting, sse.dropped]).toEqual([0, 0]);
  });

  it('holds at most a hundred messages for a client that reads nothing, and loses none when it reads on', async () => {
    const sse = session();
    const { res, head, pause, resume, read } = await exchange();
    sse.attach(res, { keepAliveMs: 600_000 });
    await head();
    await pause();
    const body = 'x'.repeat(10_000);
    let sent = 0;
    let refused = 0;
    for (let n = 0; n < 5_000 && refused < 1_000; n++) {
      if (codeOf(() => sse.sendMessage(`${n} ${body}`)) === undefined) sent++;
      else refused++;
      // the kernel takes what it has room for
      if (n % 50 === 0) await new Promise((resolve) => setImmediate(resolve));
    }
    expect(refused).toBe(1_000);
    expect([sse.waiting, sse.dropped]).toEqual([100, 1_000]);
    // what Node holds beside them: its own mark, and the message that went over it
    expect(res.writableLength).toBeLessThan(res.writableHighWaterMark + 2 * body.length);
    await resume();
    await until('all that was taken', () => (read().match(/data: /g) ?? []).length === sent);
    const numbers = [...read().matchAll(/data: (\d+) /g)].map(([, n]) => Number(n));
    expect(numbers).toEqual([...numbers].sort((a, b) => a - b));
    expect(sse.waiting).toBe(0);
  });

  it('writes a comment every 30 seconds, and cuts a client that takes nothing for two intervals', async () => {
    const clock = fakeClock();
    const sse = session();
    const { res, head, pause, resume, read, ended } = await exchange();
    sse.attach(res, { clock });
    await head();
    clock.advance(29_999);
    sse.sendMessage('then');
    clock.advance(1);
    await until('the comment', () => read().includes(': keep-alive\n\n'));
    expect(read()).toBe('data: then\n\n: keep-alive\n\n');
    await pause();
    while (sse.waiting < 100) {
      sse.sendMessage('x'.repeat(100_000));
      await new Promise((resolve) => setImmediate(resolve));
    }
    clock.advance(30_000);
    expect(sse.isConnected).toBe(true);
    clock.advance(30_000);
    expect([sse.isConnected, sse.waiting, sse.dropped]).toEqual([false, 0, 100]);
    await resume();
    expect(await ended).toBe(false);
    expect(clock.pending).toBe(0);
  });

  it('notices that its client has gone, and can be connected again by another response', async () => {
    const sse = session();
    const first = await exchange();
    sse.attach(first.res);
    await first.head();
    await first.leave();
    await until('it has noticed', () => !sse.isConnected);
    expect(codeOf(() => sse.sendMessage('x'))).toBe('ERR_SESSION_DISCONNECTED 503');
    const second = await exchange();
    sse.attach(second.res);
    sse.sendMessage('again');
    await until('the message', () => second.read() === 'data: again\n\n');
  });

  it('has one response: a second one ends the first', async () => {
    const sse = session();
    const [first, second] = [await exchange(), await exchange()];
    sse.attach(first.res);
    sse.attach(second.res);
    expect(await first.ended).toBe(true);
    sse.sendMessage('to the second');
    await until('it has arrived', () => second.read() !== '');
    expect(first.read()).toBe('');
    expect(sse.isConnected).toBe(true);
  });

  it('ends the response when it is disconnected, once', async () => {
    const sse = session();
    const { res, ended, read } = await exchange();
    sse.attach(res);
    sse.sendMessage('last');
    sse.disconnect();
    sse.disconnect();
    expect(await ended).toBe(true);
    expect(read()).toBe('data: last\n\n');
    expect(codeOf(() => sse.attach(res))).toBe('ERR_SESSION_DISCONNECTED 503');
  });

  it('also writes to a response of HTTP/2', async () => {
    const sse = session();
    const server = createServer((_req, res) => sse.attach(res)).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const client = connect(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
    let text = '';
    const stream = client.request({ ':path': '/' }).setEncoding('utf8');
    stream.on('data', (part: string) => (text += part));
    const [headers] = (await once(stream, 'response')) as [Record<string, unknown>];
    expect(headers).toMatchObject({ ':status': 200, 'content-type': 'text/event-stream; charset=utf-8' });
    sse.sendMessage('over HTTP/2');
    await until('it has arrived', () => text === 'data: over HTTP/2\n\n');
    const ended = once(stream, 'end');
    sse.disconnect();
    await ended;
    client.close();
    server.close();
  });

  it('refuses a response of HTTP/2 whose client has gone', async () => {
    const sse = session();
    const gone = new Promise<unknown>((resolve) => {
      const server = createServer((_req, res) => res.stream.on('close', () => resolve(codeOf(() => sse.attach(res)))));
      server.listen(0, '127.0.0.1', () => {
        const client = connect(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
        const stream = client.request({ ':path': '/' }).on('error', () => undefined);
        server.once('stream', () => {
          stream.destroy();
          client.close();
          server.close();
        });
      });
    });
    expect(await gone).toBe('ERR_SESSION_DISCONNECTED 503');
    expect(sse.isConnected).toBe(true);
  });

  it('knows when its client connected, if it was given that time', () => {
    expect(session({ clientInfo: { createdAt: 5 }, createdAt: 3 }).connectedAt).toBe(5);
    expect(session({ createdAt: 3 }).connectedAt).toBe(3);
  });
});

describe('the response of an SSE session of a manager', () => {
  async function attached() {
    const clock = fakeClock();
    const manager = createManager({ type: 'sse', ttlMs: 1_000, clock, storage: localStorage({ clock }) });
    const sse = await manager.create();
    const { res, ended, head } = await exchange();
    sse.attach(res, { clock });
    await head();
    return { clock, manager, sse, ended };
  }

  it('ends when the session is deleted', async () => {
    const { manager, sse, ended } = await attached();
    await manager.delete(sse.id);
    expect(await ended).toBe(true);
    expect(codeOf(() => sse.attach({} as never))).toBe('ERR_SESSION_DISCONNECTED 503');
    await manager.stop();
  });

  it('ends when the session is replaced', async () => {
    const { manager, sse, ended } = await attached();
    await manager.upsertSession(new SseSession(sse.id));
    expect(await ended).toBe(true);
    await manager.stop();
  });

  it('ends when the session has expired, at the next sweep', async () => {
    const { clock, manager, sse, ended } = await attached();
    clock.advance(999);
    await new Promise((resolve) => setImmediate(resolve));
    expect(sse.isConnected).toBe(true);
    clock.advance(500);
    expect(await ended).toBe(true);
    expect(await manager.count()).toBe(0);
    await manager.stop();
  });

  it('ends when the manager stops, which leaves no timer', async () => {
    const { clock, manager, ended } = await attached();
    await manager.stop();
    expect(await ended).toBe(true);
    expect(clock.pending).toBe(0);
  });

  it('is not started when the manager has stopped', async () => {
    const { manager, sse } = await attached();
    sse.disconnect();
    await manager.stop();
    const { res, ended } = await exchange();
    expect(codeOf(() => sse.attach(res))).toBe('ERR_SESSION_DISCONNECTED 503');
    expect([sse.isConnected, res.headersSent]).toEqual([false, false]);
    res.end();
    expect(await ended).toBe(true);
  });

  it('belongs to the object that every caller on this node gets, until its client has gone', async () => {
    const { manager, sse } = await attached();
    expect(await manager.get(sse.id)).toBe(sse);
    expect(await manager.peek(sse.id)).toBe(sse);
    sse.disconnect();
    const other = (await manager.get(sse.id)) as SseSession;
    expect(other).not.toBe(sse);
    expect(other.isConnected).toBe(false);
    const back = await exchange();
    other.attach(back.res);
    expect(await manager.get(sse.id)).toBe(other);
    await manager.stop();
  });
});
