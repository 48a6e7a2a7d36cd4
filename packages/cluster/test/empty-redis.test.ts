import type { Clock, PlaySession } from '@stream-sessions/core';
import { systemClock } from '@stream-sessions/core/spi';
import { connect } from '../../../test/support/redis-clients.js';
import { stays, until } from '../../../test/support/until.js';
import { HOLDER_LENGTH } from '../src/membership/lease-steps.js';
import { type Nodes, play } from './support/nodes.js';
import { nodesOn, oneRedis } from './support/one-redis.js';

const redis = oneRedis();
let nodes: Nodes;
nodesOn(redis, (given) => (nodes = given));

it('a cluster continues its visits when Redis comes back empty', async () => {
  const [a, b] = [await nodes.add(), await nodes.add()];
  await nodes.allSeen();
  const { id, openedAt } = await play(a, { token: 't' });
  await play(b, { token: 't' });
  await nodes.tellsOpened(1);
  await until('it is not a newcomer', () => Date.now() - openedAt > 1_500);
  await (await connect('redis', redis.port)).ask('FLUSHALL');
  const held = async () => (await nodes.records())[0]?.split(' ')[5]?.length;
  await until('both have put it back', async () => (await held()) === 2 * HOLDER_LENGTH);
  const rows = await until('all see it', async () => {
    const found = await a.directory.list({ status: 'active' }).catch(() => []);
    return found[0]?.nodes?.length === 2 && [...found];
  });
  expect(rows).toMatchObject([{ id, openedAt, nodes: ['node-1', 'node-2'] }]);
  await stays('it is not told again', () => nodes.opened.length === 1, 500);
});

it.each(['kicked', 'client_gone'] as const)(
  'a visit that ends (%s) before its node has joined an empty Redis is reported as closed',
  async (reason) => {
    const [a, b] = [await nodes.add(), await nodes.add()];
    await nodes.allSeen();
    const hit = { stream: 'cam1', protocol: 'rtmp', remoteAddress: '198.51.100.7', token: 't' };
    const { closer } = a.tracker.openConn(hit);
    await nodes.tellsOpened(1);
    const [{ id, openedAt }] = nodes.opened as [PlaySession];
    await (await connect('redis', redis.port)).ask('FLUSHALL');
    if (reason === 'kicked') a.tracker.kick(id);
    else closer.close(reason, 100);
    await until('it is reported', () => nodes.closed.length === 1, 10_000);
    expect(nodes.closed).toMatchObject([{ id, openedAt, closeReason: reason }]);
    await until('nobody is counted', async () => {
      const count = await Promise.resolve(b.directory.count({ status: 'active' })).catch(() => undefined);
      return count === 0 && (await nodes.records()).length === 0;
    });
    await stays('it is not told again', () => nodes.opened.length === 1 && nodes.closed.length === 1, 500);
  },
);

/** A clock whose timers stand still, as those of a process that was stopped. */
class StoppedClock implements Clock {
  isStopped = false;
  private readonly due: (() => void)[] = [];
  readonly now = (): number => systemClock.now();
  readonly monotonic = (): number => systemClock.monotonic?.() ?? systemClock.now();
  readonly clearTimeout = (timer: unknown): void => systemClock.clearTimeout(timer);
  readonly setTimeout = (callback: () => void, ms: number): unknown =>
    systemClock.setTimeout(() => (this.isStopped ? this.due.push(callback) : callback()), ms);

  go(): void {
    this.isStopped = false;
    for (const callback of this.due.splice(0)) callback();
  }
}

it('a visit whose end was reported while its node was suspended begins anew, even if Redis has forgotten it', async () => {
  const clock = new StoppedClock();
  const [a, b] = [await nodes.add({}, { clock }), await nodes.add()];
  await nodes.allSeen();
  const { id, openedAt } = await play(a, { token: 't' });
  await until('it is reported', () => nodes.opened.length === 1);
  await until('nothing is left to report', async () => (await nodes.keys('outbox-*')).length === 0);
  clock.isStopped = true;
  await until('its end is reported', () => b.closed.length === 1);
  expect(b.closed).toMatchObject([{ id, openedAt, closeReason: 'lost' }]);
  await (await connect('redis', redis.port)).ask('FLUSHALL');
  await until(
    'the other one has joined again',
    () => b.directory.nodes().some(({ name }) => name === 'node-2') && !b.directory.health.isAlone,
  );
  clock.go();
  await until('it begins anew', () => nodes.opened.length === 2);
  const [, anew] = nodes.opened;
  expect(anew?.openedAt).toBeGreaterThan(openedAt);
  await stays('nothing else is told', () => nodes.opened.length === 2 && nodes.closed.length === 1, 500);
});
