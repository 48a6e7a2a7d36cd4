import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { startRedis } from '../support/redis-server.js';
import { until } from '../support/until.js';

const program = path.join(__dirname, '../../examples/sse/server.mjs');
const running: { child: ChildProcess; output: string }[] = [];
const stops: AbortController[] = [];
afterEach(() => {
  stops.splice(0).forEach((stop) => stop.abort());
  running.splice(0).forEach(({ child }) => child.kill('SIGKILL'));
});

async function start(env: Record<string, string> = {}) {
  const child = spawn(process.execPath, [program], {
    env: { ...process.env, PORT: '0', ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const one = { child, output: '' };
  running.push(one);
  child.stdout?.on('data', (data: Buffer) => (one.output += data.toString()));
  const [, url] = await until('it runs', () => /(http:\/\/127\.0\.0\.1:\d+)\/events/.exec(one.output));
  return { child, url: url as string, output: () => one.output };
}

async function listen(url: string, query: string) {
  const stop = new AbortController();
  stops.push(stop);
  const answer = await fetch(`${url}/events?${query}`, { signal: stop.signal });
  let text = '';
  const read = async (): Promise<boolean> => {
    const decoder = new TextDecoder();
    try {
      for await (const part of answer.body ?? []) text += decoder.decode(part as Uint8Array, { stream: true });
      return true;
    } catch {
      return false;
    }
  };
  const ended = read();
  return { status: answer.status, text: () => text, ended, leave: () => stop.abort() };
}

const publish = async (url: string, text: string) =>
  (await fetch(`${url}/publish?channel=news`, { method: 'POST', body: text })).text();

it('the SSE example sends what is published to its listeners, lists them, and ends their streams at Ctrl-C', async () => {
  const { child, url, output } = await start();
  const [one, two] = [await listen(url, 'channel=news'), await listen(url, 'channel=news')];
  await listen(url, 'channel=sport');
  await until('they have their sessions', () => one.text() !== '' && two.text() !== '');
  expect(await publish(url, 'hello\nthere')).toBe('2\n');
  await until('it has arrived', () => one.text().endsWith('data: hello\ndata: there\n\n'));
  expect(output()).toMatch(/\+ .* listens to news over sse/);
  two.leave();
  await until('it was noticed', async () => (await publish(url, 'x')) === '1\n');
  child.kill('SIGINT');
  expect(await one.ended).toBe(true);
  expect(await once(child, 'exit')).toEqual([0, null]);
});

it('the SSE example answers 400 without a channel, and 404 for an unknown session or one of another channel', async () => {
  const { url } = await start();
  expect((await listen(url, 'channel=a/b')).status).toBe(400);
  expect((await listen(url, 'channel=news&session=11111111-1111-1111-1111-111111111111')).status).toBe(404);
  const mine = await listen(url, 'channel=news');
  const [, id] = await until('the session', () => /data: (\S+)\n/.exec(mine.text()));
  expect((await listen(url, `channel=sport&session=${id}`)).status).toBe(404);
  const again = await listen(url, `channel=news&session=${id}`);
  expect(await mine.ended).toBe(true);
  await until('the same session', () => again.text().includes(id as string));
  expect(await publish(url, 'once')).toBe('1\n');
  await until('it has arrived', () => again.text().includes('data: once'));
});

it('the SSE example keeps its sessions in Redis over a restart, and answers 503 while Redis is away', async () => {
  const redis = await startRedis();
  try {
    const env = { REDIS_URL: `redis://127.0.0.1:${redis.port}/2` };
    const first = await start(env);
    const client = await listen(first.url, 'channel=news');
    const [, id] = await until('the session', () => /event: session\ndata: (\S+)\n/.exec(client.text()));
    first.child.kill('SIGKILL');
    await client.ended;
    const second = await start(env);
    const back = await listen(second.url, `channel=news&session=${id}`);
    expect(back.status).toBe(200);
    await until('the same session', () => back.text().includes(id as string));
    expect(await publish(second.url, 'after the restart')).toBe('1\n');
    await until('it has arrived', () => back.text().includes('after the restart'));
    await redis.kill();
    const away = await listen(second.url, 'channel=news');
    expect(away.status).toBe(503);
    expect(await publish(second.url, 'still here')).toBe('1\n');
    await until('those who listen go on', () => back.text().includes('still here'));
  } finally {
    await redis.stop();
  }
});
