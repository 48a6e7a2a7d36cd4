import { clusterPort } from '@stream-sessions/core/spi';
import type { ClusterLink } from '../src/index.js';
import { stays, until } from '../../../test/support/until.js';
import { ask, type Node, type Nodes } from './support/nodes.js';
import { LINKS, nodesOver, oneRedis } from './support/one-redis.js';
import { NO, slow } from './support/slow-policy.js';

const redis = oneRedis();
const eve = { token: 'eve' };

/** A link over which nobody can be asked or told anything but by steps on visits. */
const mute = (link: ClusterLink): ClusterLink => ({
  run: (step, ...rest) => (step.name === 'post' ? Promise.reject(new Error('lost')) : link.run(step, ...rest)),
  follow: (...all) => link.follow(...all),
  close: () => link.close(),
});

describe.each(LINKS)('over %s, a visit that one node begins and refuses while another admits it', (link) => {
  let nodes: Nodes;
  nodesOver(link, redis, (made) => (nodes = made));

  /** The first node begins a visit, the others hold it and let the viewer in, and then the first refuses it: they do not hear of that. */
  async function passedOn(others: number): Promise<Node[]> {
    const first = slow();
    const options = { idleTimeoutMs: 60_000 };
    const a = await nodes.add({ ...options, policies: [first.policy] }, {}, mute);
    const letIn: Node[] = [];
    for (let n = 0; n < others; n++) letIn.push(await nodes.add(options));
    await nodes.allSeen();
    const atA = ask(a, eve);
    await until('the first has asked', () => first.asked() === 1);
    for (const node of letIn) {
      const admission = await ask(node, eve);
      if (admission.admitted) admission.handle.end(10);
    }
    first.says(NO);
    expect((await atA).admitted).toBe(false);
    await until('it is given back', async () => (await letIn[0]?.directory.count({ status: 'active' })) === 1);
    await stays('nobody has told of it', () => nodes.opened.length === 0, 100);
    return letIn;
  }

  /** It goes quiet there. */
  function end({ tracker }: Node): void {
    for (const { id, openedAt } of tracker.list({ status: 'active' })) clusterPort(tracker).end(id, openedAt, 'idle');
  }

  async function isToldOnce(): Promise<void> {
    await until('its end is reported', () => nodes.closed.length > 0);
    await stays('once', () => nodes.closed.length === 1 && nodes.opened.length === 1, 200);
    expect(nodes.opened).toMatchObject([{ id: nodes.closed[0]?.id, openedAt: nodes.closed[0]?.openedAt }]);
  }

  it('is reported as begun if it ends before any node has claimed it', async () => {
    const [b] = await passedOn(1);
    end(b as Node);
    await isToldOnce();
    expect(nodes.closed).toMatchObject([{ bytes: 10 }]);
  });

  it('is reported as begun once if one node releases it and another goes on', async () => {
    const [b, c] = await passedOn(2);
    end(b as Node);
    await nodes.tellsOpened(1);
    expect(nodes.closed).toEqual([]);
    end(c as Node);
    await isToldOnce();
    expect(nodes.closed).toMatchObject([{ bytes: 20 }]);
  });

  it('is reported as begun if it is kicked', async () => {
    const [b, c] = await passedOn(2);
    const [{ id } = { id: '' }] = await (b as Node).directory.list({ status: 'active' });
    expect(await c?.directory.kick(id)).toBeTruthy();
    await isToldOnce();
    expect(nodes.closed).toMatchObject([{ closeReason: 'kicked', bytes: 20 }]);
  });
});
