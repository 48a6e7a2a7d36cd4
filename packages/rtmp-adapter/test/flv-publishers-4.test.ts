import type { TrackerOptions, Verdict } from '@stream-sessions/core';
import { HttpFlvClient } from './support/flv-clients.js';
import { postFlv, postFlvOverHttp2, sendFlvOverWebSocket, type FlvPublisher } from './support/flv-publishers.js';
import { Stage4 } from './support/stage-4.js';
import { pace, soon, until } from '../../../test/support/until.js';

const stage = new Stage4();

const inputs = () => stage.tracker.list({ status: 'active', kind: 'input' });
const player = (stream: string) => stage.noted(new HttpFlvClient(stage.server.http, `/live/${stream}.flv`));

const byInput = (verdict: () => Verdict | Promise<Verdict>): TrackerOptions => ({
  policies: [{ name: 'test', admit: ({ kind }) => (kind === 'input' ? verdict() : { allow: true }) }],
});
const NO: Verdict = { allow: false, reason: 'unauthorized', kind: 'credentials', detail: 'no such key' };

describe.each<[string, string, (path: string, userAgent?: string) => FlvPublisher]>([
  [
    'an HTTP POST',
    'http-flv',
    (path, agent = 'OBS/1') =>
      stage.noted(postFlv(stage.server.http, path, { 'user-agent': agent, authorization: 'Bearer key' })),
  ],
  ['a POST of HTTP/2', 'http-flv', (path) => stage.noted(postFlvOverHttp2(stage.connection, path))],
  [
    'a WebSocket',
    'ws-flv',
    (path) => stage.noted(sendFlvOverWebSocket(stage.server.http, path, { 'user-agent': 'OBS/1' })),
  ],
])('a publisher by %s', (name, protocol, publish) => {
  it('is an input whose bytes count as received, until it leaves', async () => {
    stage.attach();
    const stream = stage.newStream();
    const publisher = publish(`/live/${stream}.flv?token=abc`);
    const watching = player(stream);
    await until('a player gets media', () => watching.bytes > 20_000);
    expect(inputs()).toEqual([
      expect.objectContaining({ stream, protocol, ip: '127.0.0.1', namedBy: 'token', secure: name.includes('/2') }),
    ]);
    const { id } = inputs()[0]!;
    await until('it has been read', () => stage.tracker.get(id)!.bytesReceived > 30_000);
    publisher.drop();
    await until('it is closed', () => inputs().length === 0);
    const { closeReason, bytesReceived } = stage.tracker.get(id)!;
    expect(closeReason).toBe('client_gone');
    expect(bytesReceived / publisher.sent).toBeGreaterThan(0.9);
    expect(bytesReceived / publisher.sent).toBeLessThan(1.1);
  });

  it.each([
    ['at once', () => NO],
    ['later', () => pace(100).then(() => NO)],
  ])('is refused %s with the reason; its media reaches nobody, and the stream is free', async (_when, verdict) => {
    let policy: () => Verdict | Promise<Verdict> = verdict;
    stage.attach(byInput(() => policy()));
    const stream = stage.newStream();
    const watching = player(stream);
    await until('one waits for it', () => stage.broadcast(stream)?.subscribers.size === 1);
    const denied = publish(`/live/${stream}.flv`);
    await until('it is let go', () => denied.ended);
    expect([denied.answer, denied.told.trim()]).toEqual([401, 'unauthorized: no such key']);
    expect([inputs().length, stage.broadcast(stream)?.publisher]).toEqual([0, null]);
    expect(watching.bytes).toBeLessThan(20); // the header that the server itself sends
    policy = () => ({ allow: true });
    publish(`/live/${stream}.flv?another`);
    await until('the next one may', () => watching.bytes > 5_000);
  });

  it('is gone within a second of a kick, and kept out', async () => {
    stage.attach();
    const stream = stage.newStream();
    const publisher = publish(`/live/${stream}.flv`);
    await until('it publishes', () => inputs().length === 1 && publisher.sent > 5_000);
    stage.tracker.kick(inputs()[0]!.id);
    await soon('it is gone', 1_000, () => publisher.ended);
    const again = publish(`/live/${stream}.flv`);
    await until('it is refused', () => again.ended);
    expect([again.answer, inputs().length]).toEqual([403, 0]);
  });
});
