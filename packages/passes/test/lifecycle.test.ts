import type { Policy } from '@stream-sessions/core';
import { createTracker } from '@stream-sessions/core';
import { until } from '@stream-sessions/core/testing';
import { passPolicy, PASS_TYPES, type Pass, type PassEvents } from '../src/index.js';
import { ask, isLetIn, segment, theatre, visit, watch } from './support/theatre.js';

const { time, data } = PASS_TYPES;
const DAY_MS = 86_400_000;

describe('the expiry of a pass', () => {
  it('comes at its instant, while the pass is in use, whatever is left', async () => {
    const all = theatre({ expiry: 'days-only' });
    await all.book.create('ann', { type: time, timeSecs: 7 * 86_400, expDays: 1 });
    segment(all.tracker);
    all.clock.advance(DAY_MS - 10_000);
    expect(watch(all, 60_000, { everyMs: 1_000 })).toMatchObject({ refusedAt: 86_400, reason: 'expired' });
    expect(visit(all.tracker).closeReason).toBe('expired');
    expect(ask(all.tracker)).toMatchObject({ reason: 'expired', remaining: { seconds: 7 * 86_400 - 10 } });
  });

  it('is its days plus its time after it began, even if it is paused', async () => {
    const all = theatre();
    await all.book.create('ann', { type: time, timeSecs: 3_600, expDays: 1 });
    segment(all.tracker);
    all.clock.advance(DAY_MS + 3_600_000 - 1);
    expect(segment(all.tracker)).toBe(200);
    all.clock.advance(1);
    expect(segment(all.tracker)).toBe('expired');
  });

  it('never comes for a pass that has not begun, or has no days', async () => {
    const all = theatre();
    await all.book.create('ann', { type: data, dataMb: 100, expDays: 1 });
    await all.book.create('bob', { type: data, dataMb: 100 });
    segment(all.tracker, 1, { token: 'bob' });
    all.clock.jump(1_000 * DAY_MS);
    expect(segment(all.tracker)).toBe(200);
    expect(segment(all.tracker, 1, { token: 'bob' })).toBe(200);
  });

  it('hands over to the next pass without a cut', async () => {
    const all = theatre();
    await all.book.create('ann', { type: data, dataMb: 100, expDays: 1 });
    segment(all.tracker);
    all.clock.advance(DAY_MS - 10_000);
    const next = await all.book.create('ann', { type: data, dataMb: 1 });
    expect(watch(all, 60_000, { everyMs: 1_000 })).toBeUndefined();
    expect((await all.book.get(next.id))?.startedAt).toBe(all.start + DAY_MS + 1_000);
    expect(all.tracker.list({ visits: 'all' })).toHaveLength(1);
  });
});

describe('the order of passes', () => {
  it('is: begun first, then the oldest; the next one begins only when something is watched', async () => {
    const all = theatre();
    const ids: string[] = [];
    for (let i = 0; i < 3; i++) {
      ids.push((await all.book.create('ann', { type: time, timeSecs: 10 })).id);
      all.clock.advance(1);
    }
    watch(all, 9_000, { everyMs: 1_000 });
    // It is silent when the first one ends: nothing begins.
    all.clock.advance(8_000);
    expect((await all.book.get(ids[1] ?? ''))?.startedAt).toBeNull();
    const before = all.clock.now();
    segment(all.tracker);
    all.clock.advance(1_000);
    expect(await all.book.get(ids[1] ?? '')).toMatchObject({ startedAt: before, timeCons: 7 });
    expect(await all.book.get(ids[0] ?? '')).toMatchObject({ timeCons: 10 });
    expect(await all.book.current('ann')).toMatchObject({ id: ids[1] });
    expect(await all.book.get(ids[2] ?? '')).toMatchObject({ startedAt: null, timeCons: 0 });
  });
});

describe('a pass that changes while it is in use', () => {
  it('can be ended: its viewers continue with the next one, or are cut', async () => {
    const all = theatre();
    const first = await all.book.create('ann', { type: time, timeSecs: 600 });
    const second = await all.book.create('ann', { type: time, timeSecs: 600 });
    const [used, spare] = first.id < second.id ? [first, second] : [second, first];
    watch(all, 4_000);
    await all.book.end(used.id);
    expect(watch(all, 4_000)).toBeUndefined();
    expect((await all.book.current('ann'))?.id).toBe(spare.id);
    await all.book.end(spare.id);
    all.clock.advance(0);
    expect(visit(all.tracker).closeReason).toBe('expired');
    expect(segment(all.tracker)).toBe('expired');
    expect(await all.book.get(used.id)).toMatchObject({ timeCons: 4 });
  });

  it('keeps its viewers with `onExhausted: keep`, and only newcomers are refused', async () => {
    const all = theatre({}, { onExhausted: 'keep' });
    await all.book.create('ann', { type: time, timeSecs: 6 });
    expect(watch(all, 20_000)).toBeUndefined();
    expect(segment(all.tracker, 1, { ip: '203.0.113.8' })).toBe('quota_time');
    await all.tracker.invalidate();
    expect(all.tracker.count({ status: 'active' })).toBe(1);
  });

  it('is not needed with `required: false`, until its owner has one', async () => {
    const all = theatre({}, { required: false });
    expect(watch(all, 20_000)).toBeUndefined();
    await all.book.create('ann', { type: time, timeSecs: 6 });
    expect(watch(all, 20_000)).toMatchObject({ refusedAt: 26, reason: 'quota_time' });
    expect(segment(all.tracker, 1, { token: undefined })).toBe(200);
  });
});

describe('the owner of a pass', () => {
  it('is the user that a policy vouches for, even if that changes during playback', async () => {
    let user = 'ann';
    const who: Policy = { name: 'who', stage: 'authorise', admit: () => ({ allow: true, userId: user }) };
    const all = theatre();
    const tracker = createTracker({ clock: all.clock, policies: [who, passPolicy(all.book)] });
    const [ann, bob] = [
      await all.book.create('ann', { type: data, dataMb: 100 }),
      await all.book.create('bob', { type: time, timeSecs: 100 }),
    ];
    const watching = { ...all, tracker };
    watch(watching, 10_000, { token: 'x', bytes: 1_000_000 });
    user = 'bob';
    await tracker.reauthorize({ user: 'ann' });
    watch(watching, 10_000, { token: 'x', bytes: 1_000_000 });
    expect(tracker.list({ visits: 'all' })).toHaveLength(1);
    expect(await all.book.get(ann.id)).toMatchObject({ dataCons: 5 });
    expect(await all.book.get(bob.id)).toMatchObject({ timeCons: 8 });
  });

  it('is that of the session, for hits that lack the token', async () => {
    const all = theatre();
    await all.book.create('ann', { type: time, timeSecs: 60 });
    const agent = { userAgent: 'player/1' };
    expect(segment(all.tracker, 1, agent)).toBe(200);
    expect(segment(all.tracker, 1, { ...agent, token: undefined })).toBe(200);
    expect(all.tracker.count({})).toBe(1);
    await all.tracker.invalidate();
    expect(all.tracker.count({ status: 'active' })).toBe(1);
  });

  it('is what `owner` says', async () => {
    const all = theatre({}, { owner: ({ ip }) => ip });
    await all.book.create('203.0.113.7', { type: time, timeSecs: 60 });
    expect(segment(all.tracker)).toBe(200);
    expect(segment(all.tracker, 1, { ip: '203.0.113.8' })).toBe('no_pass');
  });
});

describe('the limits of a pass', () => {
  it('are those of its sessions, and follow changes of the pass and of the global setting', async () => {
    const all = theatre({ globalSpeed: { downMbits: 8 } });
    await all.book.create('ann', { type: time, timeSecs: 10, downMbits: 2 });
    all.clock.advance(1);
    await all.book.create('ann', { type: time, timeSecs: 10, downMbits: 2, useGlobalSpeed: true });
    all.clock.advance(1);
    await all.book.create('ann', { type: time, timeSecs: 10 });
    const handle = ask(all.tracker);
    if (!isLetIn(handle)) throw new Error('refused');
    const seen: unknown[] = [handle.limits];
    handle.onLimits((limits) => void seen.push(limits));
    all.clock.advance(15_000);
    all.book.setGlobalSpeed({ downMbits: 4 });
    all.clock.advance(10_000);
    expect(seen).toEqual([{ downMbits: 2 }, { downMbits: 8 }, { downMbits: 4 }, {}]);
  });
});

describe('the events of a book', () => {
  it('say which viewer connects, what is spent, what is used up, and which viewer has gone', async () => {
    const all = theatre();
    const told: string[] = [];
    const short = ({ pass }: { pass: Pass | undefined }): string => `${pass?.owner} ${pass?.timeCons}`;
    all.book.on('connected', (event) => told.push(`connected ${short(event)}`));
    all.book.on('disconnected', (event) => told.push(`disconnected ${short(event)} ${event.session.closeReason}`));
    const off = all.book.on('spent', (event) => told.push(`spent ${short(event)}`));
    all.book.on('exhausted', (event) => told.push(`exhausted ${short(event)} ${event.reason}`));
    await all.book.create('ann', { type: time, timeSecs: 20 });
    watch(all, 60_000);
    expect(told).toEqual([
      'connected ann 0',
      'spent ann 0',
      'spent ann 14',
      // It was silent when its time was over; the next request makes that time count.
      'disconnected ann 18 quota_time',
      'spent ann 18',
      'exhausted ann 20 quota_time',
      'spent ann 20',
    ]);
    off();
    all.book.on('connected', (): never => {
      throw new Error('not my day');
    });
    await all.book.create('ann', { type: time, timeSecs: 20 });
    expect(segment(all.tracker)).toBe(200);
    expect(told).toHaveLength(8);
    const event: PassEvents['exhausted']['reason'] = 'expired';
    expect(event).toBe('expired');
  });
});

it('a book reports once that a pass is used up, and again after a top-up', async () => {
  const all = theatre();
  const told: string[] = [];
  all.book.on('exhausted', ({ pass }) => told.push(pass.id));
  const { id } = await all.book.create('ann', { type: time, timeSecs: 6 });
  watch(all, 20_000, { everyMs: 1_000 });
  for (let i = 0; i < 5; i++) {
    all.clock.advance(40_000);
    segment(all.tracker);
  }
  expect(told).toEqual([id]);
  await all.book.create('ann', { type: time, timeSecs: 600 });
  watch(all, 20_000);
  expect(told).toEqual([id]);
  await all.book.topUp(id, { timeSecs: 6 });
  watch(all, 20_000, { everyMs: 1_000 });
  expect(told).toEqual([id, id]);
});

describe('many requests at a time', () => {
  it('start a pass once', async () => {
    const all = theatre();
    const { id } = await all.book.create('ann', { type: time, timeSecs: 60 });
    const other = await all.book.create('ann', { type: time, timeSecs: 60 });
    for (let i = 0; i < 1_000; i++) segment(all.tracker, 1, { ip: `203.0.${i >> 8}.${i & 255}` });
    const started = [await all.book.get(id), await all.book.get(other.id)].map((pass) => pass?.startedAt);
    expect(started.sort()).toEqual([all.start, null]);
    all.clock.advance(5_000);
    for (let i = 0; i < 1_000; i++) segment(all.tracker, 1, { ip: `203.0.${i >> 8}.${i & 255}` });
    expect([await all.book.get(id), await all.book.get(other.id)].map((pass) => pass?.timeCons).sort()).toEqual([0, 5]);
  });
});

describe('a listener of a book', () => {
  it('that throws or rejects is logged, and affects no other', async () => {
    const logged: unknown[] = [];
    const logger = {
      ...{ debug: () => undefined, info: () => undefined, warn: () => undefined },
      error: (details: object) => void logged.push(details),
    };
    const all = theatre({ logger });
    await all.book.create('ann', { type: time, timeSecs: 60 });
    const told: string[] = [];
    all.book.on('connected', () => {
      throw new Error('at once');
    });
    all.book.on('connected', () => Promise.reject(new Error('late')));
    all.book.on('connected', ({ owner }) => void told.push(owner));
    segment(all.tracker);
    await until('both are logged', () => logged.length === 2);
    expect(told).toEqual(['ann']);
    expect(logged).toMatchObject([
      { event: 'connected', err: { message: 'at once' } },
      { event: 'connected', err: { message: 'late' } },
    ]);
    await all.tracker.stop();
  });
});

it.each([
  ['clock', { now: Date.now }],
  ['clock', null],
  ['clock', 7],
  ['logger', { warn: () => undefined, error: () => undefined }],
  ['logger', null],
  ['logger', 'console'],
  ['store', {}],
])('a book refuses a %s that is %p', (name, value) => {
  expect(() => theatre({ [name]: value })).toThrow(
    expect.objectContaining({ code: 'ERR_BAD_OPTION', message: expect.stringContaining(name) }),
  );
});

it.each([7, Promise.resolve('ann'), {}])('nobody gets in, and the log says why, where owner answers %p', (answer) => {
  const logged: unknown[] = [];
  const error = (details: object): void => void logged.push(String((details as { err?: unknown }).err));
  const logger = { debug: () => undefined, info: () => undefined, warn: () => undefined, error };
  const all = theatre({}, { owner: () => answer as never }, { logger });
  expect(ask(all.tracker)).toMatchObject({ by: 'policy', kind: 'overload' });
  expect(logged).toEqual([expect.stringContaining('The result of owner must be a string, or undefined')]);
});

it.each([null, 0, '', 'false'])('a policy refuses a `required` that is %p', (required) => {
  expect(() => theatre({}, { required } as never)).toThrow('required must be true or false');
});
