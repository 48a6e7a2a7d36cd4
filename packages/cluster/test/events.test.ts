import type { EventSink, Policy, WireEvent } from '@stream-sessions/core';
import { stays, until } from '../../../test/support/until.js';
import { faultyLink, type FaultyLink } from './support/faulty-link.js';
import { ask, type Nodes, play, type Node } from './support/nodes.js';
import { nodesOn, oneRedis } from './support/one-redis.js';

let nodes: Nodes;
const told: WireEvent[] = [];
const redis = oneRedis();
nodesOn(redis, (made) => (nodes = made));
beforeEach(() => {
  told.length = 0;
});

const sink: EventSink = { name: 'test', write: (batch) => void told.push(...batch) };
const ofVisits = () => told.filter(({ type }) => type === 'session.opened' || type === 'session.closed');
const types = () => ofVisits().map(({ type }) => type.slice('session.'.length));

/** A node that can die between a step and what it tells of it. */
async function mortal(options = {}): Promise<Node & { link: FaultyLink }> {
  let link: FaultyLink | undefined;
  const node = await nodes.add(options, {}, (real) => (link = faultyLink(real)));
  node.directory.addSink(sink);
  // it has died: nobody waits for what it would say
  nodes.all.splice(nodes.all.indexOf(node), 1);
  return { ...node, link: link as FaultyLink };
}

async function living(options = {}): Promise<Node> {
  const node = await nodes.add(options);
  node.directory.addSink(sink);
  return node;
}

it('sinks get the beginning and the end of a visit once, whatever nodes it was seen at', async () => {
  const [a, b, c] = [await living(), await living(), await living()];
  await nodes.allSeen();
  const { id, openedAt } = await play(a, { token: 't' }, 10);
  for (const node of [b, c, a, b]) await play(node, { token: 't' }, 10);
  await until('it is reported', () => types().length === 1);
  expect(await c.directory.kick(id)).toBeTruthy();
  await until('both are reported', () => types().length >= 2);
  await stays('no more is told', () => types().length === 2, 300);
  const [opened, closed] = ofVisits();
  const visit = { session_id: id, opened_at: new Date(openedAt).toISOString(), ip: '203.0.113.7' };
  expect(opened).toMatchObject({ type: 'session.opened', stream_code: 'cam1', payload: visit });
  expect(closed).toMatchObject({ type: 'session.closed', payload: { ...visit, reason: 'kicked', bytes: 50 } });
  expect(opened?.id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  expect(opened?.id).not.toBe(closed?.id);
});

it('a new sink gets the parts that are live, and then everything else that happens', async () => {
  const [a, b] = [await nodes.add(), await nodes.add()];
  const { id } = await play(a, { token: 't' });
  await play(b, { token: 't' });
  await nodes.tellsOpened(1);
  const stop = [a, b].map(({ directory }) => directory.addSink(sink));
  a.tracker.announceSource('cam1', 'running');
  await until('all is reported', () => told.length === 3);
  const attached = told.filter(({ type }) => type === 'session.attached');
  expect(attached.map(({ payload }) => payload['session_id'])).toEqual([id, id]);
  // whoever hears of it twice can see that
  expect(new Set(attached.map((event) => event.id)).size).toBe(1);
  expect(told.map(({ type }) => type)).toContain('source.running');
  for (const end of stop) end();
  a.tracker.announceSource('cam1', 'failed');
  await stays('nobody is told', () => told.length === 3, 100);
});

it('Redis forgets an event when it has been delivered', async () => {
  const a = await living();
  for (let n = 0; n < 20; n++) await play(a, { token: `t${n}`, userAgent: `${n}` });
  await until('all are reported', () => types().length === 20);
  await until('nothing is left', async () => (await nodes.keys('outbox-*')).length === 0);
});

it('Redis does not forget an event before sinks have it', async () => {
  const a = await nodes.add();
  let isFree: () => void = () => undefined;
  const slow = new Promise<void>((resolve) => (isFree = resolve));
  a.directory.addSink({ name: 'slow', write: () => slow });
  await play(a, { token: 't' });
  await until('it is in the outbox', async () => (await nodes.keys('outbox-*')).length === 1);
  await stays('it is there', async () => (await nodes.keys('outbox-*')).length === 1, 600);
  isFree();
  await until('nothing is left', async () => (await nodes.keys('outbox-*')).length === 0);
});

describe('a step whose answer is lost', () => {
  it('has happened once, and is reported once', async () => {
    const a = await mortal({ idleTimeoutMs: 1_000 });
    a.link.lose('visits', 'answer');
    const b = await living({ idleTimeoutMs: 1_000 });
    a.tracker.trackHttp({ stream: 'cam1', protocol: 'hls', ip: '203.0.113.7', token: 't', bytes: 7 });
    await until('it is reported', () => types().length === 1);
    a.link.lose('visits', 'answer');
    await until('its end is reported', () => types().length >= 2);
    await stays('no more is told', () => types().join() === 'opened,closed', 300);
    expect(ofVisits().map(({ payload }) => payload['ip'])).toEqual(['203.0.113.7', '203.0.113.7']);
    expect(ofVisits()[1]?.payload).toMatchObject({ bytes: 7, reason: 'idle' });
    await until('nobody is counted', async () => (await b.directory.count({ status: 'active' })) === 0);
    await a.crash();
  });
});

describe('a node that dies', () => {
  it('between a step and its event, has the event and the end of the visit reported by another', async () => {
    const a = await mortal();
    await living();
    a.link.lose('visits', 'process');
    const session = a.tracker.trackHttp({ stream: 'cam1', protocol: 'hls', ip: '203.0.113.7', token: 't', bytes: 7 });
    await until('it is dead', () => a.link.isDead);
    await until('all is reported', () => types().length >= 2);
    await stays('no more is told', () => types().join() === 'opened,closed', 500);
    expect(ofVisits()[0]?.payload).toMatchObject({ session_id: session?.id, stream_code: 'cam1' });
    expect(ofVisits()[1]?.payload).toMatchObject({ session_id: session?.id, reason: 'lost' });
    await a.crash();
  });

  it('before an event is known to be delivered, has it reported again by another, with the same id', async () => {
    const a = await mortal();
    await living();
    const { id } = await play(a, { token: 't' });
    await until('it is reported', () => types().length === 1);
    await a.crash();
    await until('all is reported', () => types().length >= 3);
    await stays('no more is told', () => types().join() === 'opened,opened,closed', 500);
    const [first, again, closed] = ofVisits();
    expect(again?.id).toBe(first?.id);
    expect(closed?.payload).toMatchObject({ session_id: id, reason: 'lost', closed_at: closed?.payload['updated_at'] });
  });

  it('while its policy decides, has the end reported by another that refuses the viewer before it sweeps up', async () => {
    const a = await mortal();
    a.link.lose('visits', 'process');
    void ask(a, { token: 't' });
    await until('it is dead', () => a.link.isDead);
    let isSwept = false;
    const no: Policy = { name: 'no', stage: 'authorise', admit: () => ({ allow: false, reason: 'forbidden' }) };
    const b = await nodes.add({ policies: [no] }, {}, (link) => ({
      run: (step, ...rest) =>
        step.name === 'take-over' && !isSwept ? Promise.reject(new Error('later')) : link.run(step, ...rest),
      follow: (...all) => link.follow(...all),
      close: () => link.close(),
    }));
    b.directory.addSink(sink);
    await until('its lease has ended', () => b.directory.nodes().length === 1);
    expect(await ask(b, { token: 't' })).toMatchObject({ admitted: false });
    await until('it is given back', async () => (await nodes.records()).length === 0);
    isSwept = true;
    await until('all is reported', () => types().length >= 2);
    await stays('no more is told', () => [...types()].sort().join() === 'closed,opened', 500);
    expect(new Set(ofVisits().map(({ payload }) => payload['session_id'])).size).toBe(1);
    await a.crash();
  });

  it.each(['take-over', 'sweep'])(
    'has everything reported once by another that gets no answer to its step "%s"',
    async (step) => {
      const a = await mortal();
      let isLost = false;
      const b = await nodes.add({}, {}, (link) => ({
        run: async (asked, ...rest) => {
          const reply = await link.run(asked, ...rest);
          if (isLost || asked.name !== step || !JSON.stringify(reply).includes('cam1')) return reply;
          isLost = true;
          throw new Error('the answer is lost');
        },
        follow: (...all) => link.follow(...all),
        close: () => link.close(),
      }));
      a.link.lose('visits', 'process');
      a.tracker.trackHttp({ stream: 'cam1', protocol: 'hls', ip: '203.0.113.7', token: 't', bytes: 7 });
      await until('it is dead', () => a.link.isDead);
      b.directory.addSink(sink);
      await until('all is reported', () => types().length >= 2);
      await stays('no more is told', () => types().join() === 'opened,closed', 500);
      expect(isLost).toBe(true);
      await a.crash();
    },
  );

  it('with many events that no sink has taken, has all of them reported by another', async () => {
    const a = await nodes.add();
    let isFree: () => void = () => undefined;
    const stuck = new Promise<void>((resolve) => (isFree = resolve));
    a.directory.addSink({ name: 'stuck', write: () => stuck });
    // each by a step of its own, in one outbox
    for (let n = 0; n < 300; n++) await play(a, { token: `t${n}` });
    await living();
    const crashed = a.crash();
    await until('all is reported', () => types().length >= 600);
    expect(types().filter((type) => type === 'opened')).toHaveLength(300);
    expect(new Set(ofVisits().map(({ id }) => id)).size).toBe(600);
    isFree();
    await crashed;
  });

  it('does not end a visit that another node also serves', async () => {
    const [a, b] = [await mortal(), await living()];
    await play(a, { token: 't' });
    const { id } = await play(b, { token: 't' });
    await until('it is reported', () => types().length === 1);
    await until('nothing is left to report', async () => (await nodes.keys('outbox-*')).length === 0);
    await a.crash();
    await until('the dead is forgotten', () => b.directory.nodes().length === 1);
    await stays('nothing is told', () => types().length === 1, 1_500);
    expect([...(await b.directory.list({ status: 'active' }))]).toMatchObject([{ id }]);
  });
});
