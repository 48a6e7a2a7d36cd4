import { pace } from '@stream-sessions/core/testing';
import { until } from '../../../test/support/until.js';
import type { ClusterLink } from '../src/index.js';
import { play, visitsIn, type Node, type Nodes } from './support/nodes.js';
import { LINKS, nodesOver, oneRedis } from './support/one-redis.js';

const redis = oneRedis();
const TIME_LIMIT_MS = 40;

describe.each(LINKS)('over %s, a node that is answered too late', (over) => {
  let nodes: Nodes;
  let isLate: boolean;
  nodesOver(over, redis, (made) => {
    nodes = made;
    isLate = false;
  });

  /** Steps on visits take effect in time, and are answered after the time limit. */
  const late = (link: ClusterLink): ClusterLink => ({
    run: async (step, ...rest) => {
      const reply = await link.run(step, ...rest);
      if (isLate && step.name === 'visits') await pace(3 * TIME_LIMIT_MS);
      return reply;
    },
    follow: (...all) => link.follow(...all),
    close: () => link.close(),
  });

  async function two(): Promise<[Node, Node]> {
    const both: [Node, Node] = [await nodes.add(), await nodes.add({}, { timeLimitMs: TIME_LIMIT_MS }, late)];
    await nodes.allSeen();
    return both;
  }

  const allBytes = async ({ directory }: Node) =>
    (await directory.list({ status: 'active' })).reduce((sum, { bytes }) => sum + bytes, 0);

  it.each<[string, object]>([
    ['token', { token: 't' }],
    ['sid', { sid: 's' }],
    ['playback session', { playerSessionId: 'p' }],
  ])('finds a viewer by the %s that it knows from others', async (_what, name) => {
    const [a, b] = await two();
    const { id, openedAt } = await play(a, name);
    expect(await play(b)).toMatchObject({ id, openedAt });
    isLate = true;
    expect(await play(b, name)).toMatchObject({ id, openedAt, bytes: 200 });
    // who has another name of that kind is somebody else
    expect(await play(b, { token: 'another', sid: 'another', playerSessionId: 'another' })).not.toMatchObject({ id });
  });

  it('loses no byte of those that it let in by itself right before it leaves', async () => {
    const [a, b] = await two();
    for (const token of ['one', 'two', 'three']) await play(a, { token });
    isLate = true;
    const alone = await Promise.all(['one', 'two', 'three'].map((token) => play(b, { token })));
    expect(alone.map(({ bytes }) => bytes)).toEqual([100, 100, 100]);
    await b.directory.leave();
    expect(await allBytes(a)).toBe(600);
    await a.directory.leave();
    await until('all ends are reported', () => visitsIn(nodes.closed) === 3);
    expect(nodes.closed.reduce((sum, { bytes }) => sum + bytes, 0)).toBe(600);
  });
});
