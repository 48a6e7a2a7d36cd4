import { request, setup } from './support/make.js';

describe('kickAll', () => {
  it('kicks the live sessions that match and counts them', () => {
    const { tracker } = setup();
    for (const token of ['a', 'b']) request(tracker, { token });
    request(tracker, { token: 'c', stream: 'cam2' });
    expect(tracker.kickAll({ stream: 'cam1' }, { reason: 'over' })).toBe(2);
    expect(tracker.count({ status: 'active' })).toBe(1);
    expect(tracker.list({ reason: 'kicked' }).map(({ closeDetail }) => closeDetail)).toEqual(['over', 'over']);
    expect(tracker.kickAll({ stream: 'cam1' })).toBe(0);
  });

  it.each([
    {},
    { limit: 5 },
    { stream: '' },
    { status: 'active' as const },
    { status: '' as const },
    { user: undefined },
  ])('refuses %p, which names nobody', (filter) => {
    const { tracker } = setup();
    request(tracker);
    expect(() => tracker.kickAll(filter)).toThrow(expect.objectContaining({ code: 'ERR_EMPTY_FILTER' }));
    expect(tracker.stats().active).toBe(1);
  });

  it('never mistakes a filter for closed sessions for one of live sessions', () => {
    const { tracker } = setup();
    request(tracker);
    expect(tracker.kickAll({ stream: 'cam1', status: 'closed' })).toBe(0);
    expect(tracker.kickAll({ reason: 'idle' })).toBe(0);
    expect(tracker.stats().active).toBe(1);
  });

  it('refuses a misspelt filter', () => {
    const { tracker } = setup();
    request(tracker);
    const filter = { steam: 'cam1' } as object;
    expect(() => tracker.kickAll(filter)).toThrow(/Did you mean "stream"/);
    expect(tracker.stats().active).toBe(1);
  });
});
