import { createPublicKey, verify } from 'node:crypto';
import { Webhook } from 'standardwebhooks';
import { stays, until } from '../../../test/support/until.js';
import { signedHeaders, signerOf } from '../src/sign.js';
import { receiver } from './support/receiver.js';
import { cleanUp, SECRET, silent, stage, watch } from './support/stage.js';

afterEach(cleanUp);

describe('a delivery', () => {
  it('says what happened, in order, signed as Standard Webhooks requires', async () => {
    const to = await receiver();
    const { tracker, clock } = await stage([{ url: to.url, secrets: [SECRET] }]);
    const { id } = watch(tracker, 'cam1');
    tracker.kick(id, { reason: 'enough' });
    clock.advance(50);
    await to.until(2);
    expect(to.types()).toEqual(['session.opened', 'session.closed']);
    const [opened, closed] = to.received;
    expect(opened!.json).toEqual({
      type: 'session.opened',
      timestamp: new Date(clock.now() - 50).toISOString(),
      data: expect.objectContaining({ id, stream_code: 'cam1', viewers: 1, session_id: id, seq: 1 }),
    });
    expect(closed!.json.data).toMatchObject({ reason: 'kicked', detail: 'enough', viewers: 0, bytes: 1000 });
    for (const { headers, body } of to.received) {
      expect(headers['webhook-id']).toMatch(/^msg_[0-9a-f]{32}$/);
      expect(headers['webhook-timestamp']).toBe(String(Math.floor(clock.now() / 1000)));
      // its receiver checks the time too, and reads it from the wall clock
      jest.useFakeTimers({ now: clock.now(), doNotFake: ['setImmediate', 'nextTick', 'setTimeout', 'clearTimeout'] });
      expect(new Webhook(SECRET).verify(body, headers as never)).toMatchObject({ type: expect.any(String) });
      expect(() => new Webhook(SECRET).verify(`${body} `, headers as never)).toThrow();
      jest.useRealTimers();
    }
  });

  it('has a signature of each secret, `v1` and `v1a`', () => {
    const key = 'whsk_6Xb/dCcHpPea21PS1N9VY/NZW723CEc77N4rJCubMbfVKIDij2HKpMKkioLlX0dRqSKJp4AJ6p9lMicMFs6Kvg==';
    // the vector of the specification's authors
    const [id, at, body] = ['msg_p5jXN8AQM9LWM0D4loKWxJek', 1_614_265_330_000, '{"test": 2432232314}'] as const;
    const vector = 'hnO3f9T8Ytu9HwrXslvumlUpqtNVqkhqw/enGzPCXe5BdqzCInXqYXFymVJaA7AZdpXwVLPo3mNl8EM+m7TBAg==';
    const headers = signedHeaders([signerOf(SECRET), signerOf(key)], id, at, body);
    const [v1, v1a] = headers['webhook-signature']!.split(' ');
    expect(v1).toBe(new Webhook(SECRET).sign(id, new Date(at), body));
    expect(v1a).toBe(`v1a,${vector}`);
    const x = Buffer.from('1SiA4o9hyqTCpIqC5V9HUakiiaeACeqfZTInDBbOir4=', 'base64').toString('base64url');
    const publicKey = createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x }, format: 'jwk' });
    expect(verify(null, Buffer.from(`${id}.1614265330.${body}`), publicKey, Buffer.from(vector, 'base64'))).toBe(true);
  });

  it.each([
    'x',
    'whsec_',
    `whsec_${Buffer.alloc(23).toString('base64')}`,
    `whsk_${Buffer.alloc(31).toString('base64')}`,
  ])('cannot be signed with %s, which is not shown', (secret) => {
    expect(() => signerOf(secret)).toThrow(/^secrets must be "whsec_" and 24 to 64 bytes/);
  });
});

describe('a delivery that fails', () => {
  it.each([
    ['500', (res: any) => res.writeHead(500).end()],
    ['400', (res: any) => res.writeHead(400).end()],
    ['a redirect', (res: any) => res.writeHead(302, { location: '/elsewhere' }).end()],
    ['a broken connection', (res: any) => res.destroy()],
  ])('with %s is tried again by the schedule, with the same id and a new time', async (_what, refuse) => {
    const to = await receiver();
    to.answer = refuse;
    const { tracker, clock } = await stage([{ url: to.url, secrets: [SECRET], events: ['session.opened'] }]);
    watch(tracker, 'cam1');
    clock.advance(50);
    await to.until(1);
    await until('it waits', () => clock.pending > 0);
    for (const [waitMs, count] of [
      [5_000, 2],
      [300_000, 3],
    ] as const) {
      await until('the next attempt is planned', () => advance(clock, waitMs * 1.2, () => to.received.length >= count));
    }
    to.answer = (res) => res.writeHead(200).end('fine');
    await until('it is taken', () => advance(clock, 3_600_000, () => to.received.length >= 4));
    const ids = new Set(to.received.map(({ headers }) => headers['webhook-id']));
    const times = new Set(to.received.map(({ headers }) => headers['webhook-timestamp']));
    expect([ids.size, times.size]).toEqual([1, 4]);
  });

  it('becomes a dead letter, and the rest is delivered, even if the logger throws', async () => {
    const to = await receiver();
    to.answer = (res) => res.writeHead(500).end();
    const warn = () => {
      throw new Error('the disk is full');
    };
    const { tracker, clock, webhooks } = await stage([{ url: to.url }], {
      retryScheduleMs: [],
      logger: { ...silent, warn },
    });
    const { id } = watch(tracker, 'cam1');
    clock.advance(50);
    await until('it is given up', () => webhooks.deadLetters().length === 1);
    to.answer = (res) => res.writeHead(204).end();
    tracker.kick(id);
    clock.advance(50);
    await to.until(2);
    expect(to.types()).toEqual(['session.opened', 'session.closed']);
  });

  it.each([
    ['in seconds', () => '600'],
    ['as a date', (now: number) => new Date(now + 600_000).toUTCString()],
  ])('is repeated after as long as the receiver says, %s', async (_how, retryAfter) => {
    const to = await receiver();
    const { tracker, clock, webhooks } = await stage([{ url: to.url, events: ['session.opened'] }]);
    to.answer = (res) => res.writeHead(429, { 'retry-after': retryAfter(clock.now()) }).end();
    watch(tracker, 'cam1');
    clock.advance(50);
    await to.until(1);
    await until('it failed', () => webhooks.endpoints()[0]!.failed === 1);
    clock.advance(599_000);
    await stays('it is left alone', () => to.received.length === 1, 50);
    clock.advance(2_000);
    await to.until(2);
  });

  it('is repeated up to a fifth later than scheduled, so that not all come at once', async () => {
    const random = jest.spyOn(Math, 'random').mockReturnValue(0.5);
    const to = await receiver();
    to.answer = (res) => res.writeHead(500).end();
    const { tracker, clock, webhooks } = await stage([{ url: to.url, events: ['session.opened'] }]);
    watch(tracker, 'cam1');
    clock.advance(50);
    await until('it failed', () => webhooks.endpoints()[0]!.failed === 1);
    clock.advance(5_400);
    await stays('it waits', () => to.received.length === 1, 50);
    clock.advance(200);
    await to.until(2);
    random.mockRestore();
  });

  it('is given up after the last attempt, listed, and sent again on request', async () => {
    const to = await receiver();
    to.answer = (res) => res.writeHead(503).end();
    const { tracker, clock, webhooks } = await stage([{ url: to.url, name: 'hook' }], { retryScheduleMs: [1000] });
    const { id } = watch(tracker, 'cam1');
    clock.advance(50);
    await to.until(1);
    await until('it is given up', () => advance(clock, 2_000, () => webhooks.deadLetters().length === 1));
    expect(to.received.length).toBe(2);
    const [dead] = webhooks.deadLetters();
    expect(dead).toMatchObject({ endpoint: 'hook', type: 'session.opened', error: 'answered 503' });
    expect(dead!.id).toBe(to.received[0]!.headers['webhook-id']);
    to.answer = (res) => res.writeHead(204).end();
    // the next event of the visit goes on
    tracker.kick(id);
    clock.advance(50);
    await to.until(3);
    expect([webhooks.resend('msg_x'), webhooks.resend(dead!.id, 'other'), webhooks.resend(dead!.id)]).toEqual([
      false,
      false,
      true,
    ]);
    await to.until(4);
    expect(to.types().slice(2)).toEqual(['session.closed', 'session.opened']);
    await until('none is left', () => webhooks.deadLetters().length === 0);
  });

  it('for an hour arrives when there is a receiver again, all of it and in order', async () => {
    const to = await receiver();
    to.answer = (res) => res.destroy();
    const { tracker, clock, webhooks } = await stage([{ url: to.url }]);
    for (let n = 0; n < 50; n++) {
      tracker.kick(watch(tracker, 'cam1', n).id);
      clock.advance(72_000);
      await new Promise((resolve) => setImmediate(resolve));
    }
    // the clock leaps: what was just taken may look like no answer, and comes again by its id
    const taken = new Map<unknown, [string, string]>();
    to.answer = (res, { json, headers }) => {
      const id = headers['webhook-id'];
      if (!taken.has(id)) taken.set(id, [json.data.id, json.type]);
      res.writeHead(204).end();
    };
    await until('all is delivered', () => advance(clock, 600_000, () => webhooks.endpoints()[0]!.delivered === 100));
    const visits = new Map<string, string>();
    for (const [id, type] of taken.values()) visits.set(id, `${visits.get(id) ?? ''}${type} `);
    expect([...visits.values()]).toEqual(Array(50).fill('session.opened session.closed '));
    expect(webhooks.deadLetters()).toEqual([]);
  });

  it('with 410 disables its endpoint, even for the next process, until it is enabled', async () => {
    const to = await receiver();
    to.answer = (res) => res.writeHead(410).end();
    const endpoints = [{ url: to.url, name: 'hook', events: ['session.opened'] }];
    const first = await stage(endpoints);
    for (let n = 0; n < 3; n++) watch(first.tracker, 'cam1', n);
    first.clock.advance(50);
    await until(
      'it is disabled',
      () => first.webhooks.endpoints()[0]!.isDisabled && first.webhooks.endpoints()[0]!.queued === 0,
    );
    const count = to.received.length;
    watch(first.tracker, 'cam2');
    first.clock.advance(50);
    await first.webhooks.stop();
    const { tracker, webhooks, clock } = await stage(endpoints, { journal: first.journal });
    watch(tracker, 'cam3');
    clock.advance(50);
    await stays('it gets nothing', () => to.received.length === count, 100);
    to.answer = (res) => res.writeHead(204).end();
    expect([webhooks.enable('nobody'), webhooks.enable('hook')]).toEqual([false, true]);
    watch(tracker, 'cam4');
    clock.advance(50);
    await to.until(count + 1);
    expect(to.received.at(-1)!.json.data.stream_code).toBe('cam4');
  });
});

describe('endpoints', () => {
  it('that are slow, dead or endless delay no others, and a visit is reported in order', async () => {
    const [good, slow, dead, endless] = await Promise.all([receiver(), receiver(), receiver(), receiver()]);
    slow.answer = () => undefined;
    dead.answer = (res) => res.destroy();
    endless.answer = (res) => {
      res.writeHead(200, { 'content-length': '10' });
      const timer = setInterval(() => res.write('x'.repeat(65_536)), 1);
      res.on('close', () => clearInterval(timer));
    };
    const { tracker, clock, webhooks } = await stage([good, slow, dead, endless].map((to) => ({ url: to.url })));
    for (let n = 0; n < 30; n++) tracker.kick(watch(tracker, 'cam1', n).id);
    clock.advance(50);
    await good.until(60);
    const order = new Map<string, string[]>();
    for (const { json } of good.received) {
      order.set(json.data.id, [...(order.get(json.data.id) ?? []), json.type]);
    }
    expect([...order.values()]).toEqual(Array(30).fill(['session.opened', 'session.closed']));
    await Promise.all([endless.until(60), slow.until(8)]);
    expect(slow.received.length).toBe(8);
    clock.advance(15_000);
    await until('what never answers failed', () => webhooks.endpoints()[1]!.failed === 8);
    expect(webhooks.endpoints()[1]!.lastError?.error).toBe('no answer in 15 s');
  });

  it('get only their types, streams and reasons', async () => {
    const to = await receiver();
    const { tracker, clock } = await stage([
      { url: to.url, events: ['session.closed'], streams: ['cam1', 'vip/*'], when: { reasons: ['kicked'] } },
    ]);
    for (const stream of ['cam1', 'cam2', 'vip/x', 'vip']) tracker.kick(watch(tracker, stream).id);
    const { closer } = tracker.openConn({ stream: 'cam1', protocol: 'srt', remoteAddress: '10.0.0.1:1' });
    closer.close('client_gone');
    clock.advance(50);
    await to.until(2);
    await stays('no more comes', () => to.received.length === 2, 50);
    expect(to.received.map(({ json }) => json.data.stream_code)).toEqual(['cam1', 'vip/x']);
  });

  it('hear of a lost publisher whatever the reasons for which sessions end', async () => {
    const to = await receiver();
    const when = { reasons: ['kicked'], publisherLost: true };
    const { tracker, clock } = await stage([{ url: to.url, events: ['session.closed'], when }]);
    const hit = { stream: 'cam1', kind: 'input' as const, protocol: 'rtmp', remoteAddress: '10.0.0.1:1' };
    tracker.openConn(hit).closer.close('client_gone');
    clock.advance(50);
    await to.until(1);
    await stays('no more comes', () => to.received.length === 1, 50);
    expect(to.types()).toEqual(['stream.publisher_lost']);
  });

  it('hear of thresholds, once per crossing', async () => {
    const to = await receiver();
    const { tracker, clock } = await stage([
      { url: to.url, streams: ['cam1'], when: { viewersAbove: 2, viewersBelow: 2, publisherLost: true } },
    ]);
    const ids = [1, 2, 3, 4].map((n) => watch(tracker, 'cam1', n).id);
    for (const id of ids) tracker.kick(id);
    watch(tracker, 'cam2');
    const publish = () =>
      tracker.openConn({ stream: 'cam1', kind: 'input', protocol: 'rtmp', remoteAddress: '10.0.0.1:1' });
    const [one, two] = [publish(), publish()];
    one.closer.close('client_gone');
    two.closer.close('client_gone');
    clock.advance(50);
    await to.until(3);
    await stays('no more comes', () => to.received.length === 3, 50);
    expect(to.received.map(({ json }) => [json.type, json.data]).sort()).toEqual([
      ['stream.publisher_lost', { stream_code: 'cam1', reason: 'client_gone', publisher: expect.any(String) }],
      ['stream.viewers_above', { stream_code: 'cam1', viewers: 3, limit: 2 }],
      ['stream.viewers_below', { stream_code: 'cam1', viewers: 1, limit: 2 }],
    ]);
  });
});

/** Time passes until something has happened. */
async function advance(clock: { advance(ms: number): void }, ms: number, isDone: () => boolean): Promise<boolean> {
  if (isDone()) return true;
  clock.advance(ms);
  await new Promise((resolve) => setImmediate(resolve));
  return isDone();
}
