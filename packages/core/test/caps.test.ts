import type { Verdict } from '../src/index.js';
import { conn, hit, letIn, live, mayRequest, must, now, refusal, request, setup, story } from './support/make.js';

const yes: Verdict = { allow: true };

describe('caps', () => {
  it('let viewers in untracked beyond a cap, count them, and warn once', () => {
    const { tracker, logged } = setup({ maxSessions: 2 });
    for (const token of ['a', 'b']) request(tracker, { token });
    for (const token of ['c', 'd']) expect(request(tracker, { token }).session).toBeUndefined();
    expect(tracker.trackHttp(hit({ token: 'e' }))).toBeNull();
    expect(tracker.openConn(conn()).session).toBeNull();
    expect(tracker.stats()).toMatchObject({ active: 2, overloadTotal: 4 });
    expect(logged.filter(({ level }) => level === 'warn')).toHaveLength(1);
    expect(mayRequest(tracker, { token: 'a' })).toBe(true);
  });

  it('deny viewers beyond a cap if policies are configured, or if told to', () => {
    for (const options of [{ policies: [{ name: 'p', admit: () => yes }] }, { onOverload: 'deny' as const }]) {
      const { tracker } = setup({ maxSessions: 1, ...options });
      request(tracker, { token: 'a' });
      expect(refusal(now(tracker.admit(hit({ token: 'b' }))))).toMatchObject({
        by: 'cap',
        kind: 'overload',
        reason: 'overload',
      });
      expect(tracker.denials()).toEqual([]);
    }
  });

  it('count per address, IPv6 by its /64', () => {
    const { tracker } = setup({ maxSessionsPerIp: 2 });
    for (const [ip, tracked] of [
      ['2001:db8::1', true],
      ['2001:db8::2', true],
      ['2001:db8::3', false],
      ['2001:db8:0:1::1', true],
      ['203.0.113.1', true],
      ['::ffff:203.0.113.1', true],
      ['203.0.113.1', false],
    ] as const) {
      expect([ip, request(tracker, { ip, token: `${Math.random()}` }).session !== undefined]).toEqual([ip, tracked]);
    }
  });

  it('give back the place of a session that has moved, at every address it was seen at', () => {
    const { tracker } = setup({ maxSessionsPerIp: 1, identity: { viewer: ['token'] } });
    for (const ip of ['2001:db8::1', '2001:db8:0:1::1', '203.0.113.1']) request(tracker, { ip, token: 'a' });
    expect(request(tracker, { ip: '2001:db8:0:1::2', token: 'b' }).session).toBeUndefined();
    tracker.kick(must(live(tracker)[0]).id, { denyForMs: 0 });
    for (const [token, ip] of [
      ['b', '2001:db8::1'],
      ['c', '2001:db8:0:1::1'],
      ['d', '203.0.113.1'],
    ] as const) {
      expect(request(tracker, { ip, token }).session?.ip).toBe(ip);
    }
  });

  it('refuse hits with values that are too long or missing, and keep none of them', () => {
    const { tracker } = setup();
    for (const over of [{ stream: 'x'.repeat(257) }, { stream: '' }, { token: 'x'.repeat(4_097) }]) {
      expect(refusal(now(tracker.admit(hit(over))))).toMatchObject({ by: 'cap', reason: 'limit' });
      expect(refusal(now(tracker.admit(hit(over)))).target.stream?.length).toBeLessThanOrEqual(256);
      expect(tracker.trackHttp(hit(over))).toBeNull();
    }
    request(tracker, { stream: 'x'.repeat(256), token: 'y'.repeat(4_096) });
    expect(tracker.stats().active).toBe(1);
  });
});

describe('a stopped tracker', () => {
  it('refuses, tracks nothing, and can be stopped again', async () => {
    const { tracker, clock } = setup();
    const told = story(tracker);
    const handle = request(tracker);
    await Promise.all([tracker.stop(), tracker.stop()]);
    expect(refusal(now(tracker.admit(hit())))).toMatchObject({ reason: 'shutdown' });
    expect(refusal(now(tracker.admit(conn())))).toMatchObject({ reason: 'shutdown' });
    expect(tracker.trackHttp(hit())).toBeNull();
    expect(tracker.openConn(conn()).session).toBeNull();
    expect(told.slice(0, 2)).toEqual([`opened ${handle.session?.id}`, `closed ${handle.session?.id} shutdown 0`]);
    tracker.start();
    tracker.sweep();
    expect(clock.pending).toBe(0);
    expect(tracker.stats()).toMatchObject({ active: 0, openedTotal: 1, closedTotal: 1 });
  });
});

it('hands out empty limits and no session when it does not track', () => {
  const { tracker } = setup();
  const handle = letIn(now(tracker.admit(hit({ kind: 'unspecified' }))));
  expect(handle.session).toBeUndefined();
  handle.touch(5);
  handle.addReceived(5);
  handle.tag({ a: 'b' });
  handle.onCut(() => 5);
  handle.end(5);
  expect(tracker.stats()).toMatchObject({ active: 0, bytesTotal: 0 });
});
