import type { Policy, RequestHandle } from '../src/index.js';
import { queryTokenReader } from '../src/spi.js';
import { connect, hit, must, request, setup } from './support/make.js';

describe('what a player reports about itself', () => {
  it('is on the session, key by key, with the latest value of each', () => {
    const { tracker } = setup();
    const handle = request(tracker);
    expect(must(handle.session).quality).toBeUndefined();
    handle.report({ br: 3200, bl: 4000, bs: true });
    handle.report({ bl: 1500, cid: 'film-1' });
    expect(must(handle.session).quality).toEqual({ br: 3200, bl: 1500, bs: true, cid: 'film-1' });
    expect(Object.isFrozen(must(handle.session).quality)).toBe(true);
  });

  it('stays on the closed session, and does not change after the end of the request', () => {
    const { tracker } = setup();
    const handle = request(tracker);
    handle.report({ bl: 1 });
    const { id } = must(handle.session);
    handle.end();
    handle.report({ bl: 2 });
    tracker.kick(id);
    expect(must(tracker.get(id)).quality).toEqual({ bl: 1 });
  });

  it('is left out if it is not a figure, or too much', () => {
    const { tracker } = setup();
    const handle = connect(tracker);
    const many = Object.fromEntries(Array.from({ length: 100 }, (_, i) => [`k${i}`, i]));
    const odd = { a: NaN, b: Infinity, c: 'x'.repeat(257), d: { deep: 1 }, e: undefined, ['x'.repeat(65)]: 1 } as never;
    handle.report({ ok: 1 });
    handle.report(odd);
    expect(must(handle.session).quality).toEqual({ ok: 1 });
    handle.report(many);
    handle.report({ ok: 2, late: 1 });
    expect(Object.keys(must(must(handle.session).quality))).toHaveLength(64);
    expect(must(handle.session).quality).toMatchObject({ ok: 2, k0: 0 });
  });

  it('may have a key called __proto__', () => {
    const { tracker } = setup();
    const handle = request(tracker);
    handle.report(JSON.parse('{"__proto__": 1, "bl": 2}') as never);
    const quality = must(must(handle.session).quality);
    expect(Object.keys(quality).sort()).toEqual(['__proto__', 'bl']);
    expect(Object.getPrototypeOf(quality)).toBe(Object.prototype);
  });

  it('has an age, in msSinceReport', () => {
    const { tracker, clock } = setup();
    const [one, other] = [request(tracker), request(tracker)];
    one.report({ br: 1 }, true);
    expect(one.msSinceReport).toBe(Infinity);
    expect(must(one.session).quality).toEqual({ br: 1 });
    one.report({ bl: 1 });
    clock.advance(700);
    expect([one.msSinceReport, other.msSinceReport]).toEqual([700, 700]);
  });

  it('is dropped if nothing is tracked', () => {
    const { tracker } = setup({ enabled: false });
    const admission = tracker.admit(hit()) as { handle: RequestHandle };
    admission.handle.report({ bl: 1 });
    expect(admission.handle.msSinceReport).toBe(Infinity);
    expect(admission.handle.session).toBeUndefined();
  });
});

describe('tracker.authorises', () => {
  const policy = (stage?: Policy['stage']): Policy => ({
    name: 'p',
    ...(stage && { stage }),
    admit: () => ({ allow: true }),
  });

  it('is true exactly while there is an authorising policy', () => {
    const { tracker } = setup({ policies: [policy(), policy('concurrency')] });
    expect(tracker.authorises).toBe(false);
    tracker.updateConfig({ policies: [policy('authorise')] });
    expect(tracker.authorises).toBe(true);
    tracker.updateConfig({ policies: [] });
    expect(tracker.authorises).toBe(false);
  });
});

describe('queryTokenReader', () => {
  const read = queryTokenReader(['a.b', 'c']);

  it.each([
    ['c=1&a.b=2', '2'],
    ['?c=1', '1'],
    ['a.b=2&a.b=3&c=1', '1'],
    ['aXb=2', ''],
    ['token=2', ''],
    ['a.b=&c=%2B+', '+'],
    ['c=%', ''],
  ])('reads %s as %j', (query, token) => expect(read(query)).toBe(token));
});
