import { cursorOf, type PlaySession, type SessionFilter, type SessionOrder } from '../src/index.js';
import { checkEffort, type Sources } from '../src/registry/listing.js';
import { SessionList } from '../src/registry/session-list.js';
import { connect, hit, must, request, setup } from './support/make.js';

const ids = (sessions: readonly PlaySession[]): string[] => sessions.map(({ id }) => id);

describe('visits', () => {
  it('lists a returning viewer once, with the latest visit, and all visits when asked', () => {
    const { tracker, clock } = setup();
    const visit = () => must(tracker.trackHttp(hit()));
    const { id } = visit();
    for (let i = 0; i < 3; i++) {
      tracker.kick(id, { denyForMs: 0 });
      clock.advance(1_000);
      visit();
    }
    tracker.trackHttp(hit({ token: 'another', userAgent: 'another/1.0' }));
    const [latest] = tracker.list({ ip: '203.0.113.7', search: id.slice(0, 8) });
    expect(latest).toMatchObject({ id, closedAt: undefined });
    expect(tracker.list()).toHaveLength(2);
    expect(tracker.list({ visits: 'all' }).filter((row) => row.id === id)).toHaveLength(4);
    const counts = (filter: SessionFilter) => [tracker.count(filter), tracker.list(filter).length];
    expect(counts({})).toEqual([2, 2]);
    expect(counts({ visits: 'all' })).toEqual([5, 5]);
    expect(counts({ visits: 'latest', status: 'closed' })).toEqual([0, 0]);
    expect(counts({ visits: 'all', status: 'closed', stream: 'cam1' })).toEqual([3, 3]);
    tracker.kick(id, { denyForMs: 0 });
    expect(counts({ status: 'closed', reason: 'kicked' })).toEqual([1, 1]);
    expect(tracker.list({ status: 'closed' })).toEqual([tracker.get(id)]);
  });

  it('lets the other filters consider only the latest visit', () => {
    const { tracker, clock } = setup({ identity: { viewer: ['token'] } });
    const { id } = must(tracker.trackHttp(hit({ token: 'a', stream: 'cam1' })));
    tracker.kick(id, { denyForMs: 0 });
    clock.advance(1);
    tracker.trackHttp(hit({ token: 'a', stream: 'cam2', protocol: 'dash' }));
    expect(tracker.list({ stream: 'cam1' })).toEqual([]);
    expect(tracker.list({ protocol: 'hls' })).toEqual([]);
    expect(ids(tracker.list({ stream: 'cam1', visits: 'all' }))).toEqual([id]);
    expect(ids(tracker.list({ stream: 'cam2' }))).toEqual([id]);
  });

  it('shows a viewer brought back by its own cut as live, and never twice', () => {
    const { tracker, clock } = setup();
    const handle = request(tracker);
    const { id } = must(handle.session);
    handle.onCut(() => void tracker.trackHttp(hit()));
    clock.advance(1);
    tracker.kick(id, { denyForMs: 0 });
    expect(tracker.list()).toMatchObject([{ id, closedAt: undefined }]);
    expect([tracker.count(), tracker.count({ visits: 'all' })]).toEqual([1, 2]);
    clock.advance(1);
    tracker.kick(id, { denyForMs: 0 });
    expect([tracker.count(), tracker.count({ visits: 'all' }), tracker.count({ status: 'closed' })]).toEqual([1, 2, 1]);
  });
});

describe('orders', () => {
  const ORDERS: SessionOrder[] = ['openedAt', '-openedAt', '-bytes', '-closedAt'];

  function crowd() {
    const made = setup({ closedRetentionMax: 1_000, exposeTokens: true });
    const { tracker, clock } = made;
    for (let i = 0; i < 200; i++) {
      const { id } = must(tracker.trackHttp(hit({ token: `t${i}`, bytes: (i * 37) % 50 })));
      if (i % 3 === 0) clock.advance(1);
      const other = tracker.list({ status: 'active' }).at((i * 7) % 5);
      if (i % 2 === 0 && other) tracker.kick(other.id, { denyForMs: 0 });
      if (i % 11 === 0) tracker.kick(id, { denyForMs: 0 });
    }
    return made;
  }

  /** As it is documented, by sorting everything. */
  function sorted(rows: readonly PlaySession[], order: SessionOrder): PlaySession[] {
    const newest = (a: PlaySession, b: PlaySession): number => b.openedAt - a.openedAt || (b.id < a.id ? -1 : 1);
    const compare: Record<SessionOrder, (a: PlaySession, b: PlaySession) => number> = {
      openedAt: (a, b) => -newest(a, b),
      '-openedAt': newest,
      '-bytes': (a, b) => b.bytes - a.bytes || newest(a, b),
      '-closedAt': (a, b) => (b.closedAt ?? 1e15) - (a.closedAt ?? 1e15) || newest(a, b),
    };
    return [...rows].sort(compare[order]);
  }

  it.each(ORDERS)('sorts by %s, at every limit and from every row onwards', (order) => {
    const { tracker } = crowd();
    for (const status of ['', 'active', 'closed'] as const) {
      const rows = sorted(tracker.list({ status }), order);
      expect(ids(tracker.list({ status, order }))).toEqual(ids(rows));
      for (const limit of [1, 2, 7, 150, 1_000]) {
        expect(ids(tracker.list({ status, order, limit }))).toEqual(ids(rows.slice(0, limit)));
      }
      for (const at of [0, 1, 50, rows.length - 1]) {
        const after = cursorOf(must(rows[at]), order);
        expect(ids(tracker.list({ status, order, after, limit: 5 }))).toEqual(ids(rows.slice(at + 1, at + 6)));
      }
    }
  });

  it.each(ORDERS)('turns pages by %s while rows play, close and open, without repeating any', (order) => {
    const { tracker, clock } = crowd();
    const before = new Set(ids(tracker.list()));
    const seen: string[] = [];
    for (let after: string | undefined, i = 0; ; i++) {
      const page = tracker.list({ order, limit: 9, ...(after === undefined ? {} : { after }) });
      seen.push(...ids(page));
      if (page.length < 9) break;
      after = cursorOf(must(page.at(-1)), order);
      for (const { token } of tracker.list({ status: 'active', limit: 3, order: '-openedAt' })) {
        tracker.trackHttp(hit({ token, bytes: 5 }));
      }
      tracker.trackHttp(hit({ token: `new${i}` }));
      clock.advance(1);
    }
    expect(new Set(seen).size).toBe(seen.length);
    if (order.endsWith('openedAt')) expect([...before].filter((id) => !seen.includes(id))).toEqual([]);
  });

  it('rejects a cursor of another order', () => {
    const { tracker } = crowd();
    const [row] = tracker.list();
    for (const [made, used] of [
      ['-bytes', '-closedAt'],
      ['-closedAt', 'openedAt'],
      ['openedAt', '-bytes'],
    ] as const) {
      const after = cursorOf(must(row), made);
      expect(() => tracker.list({ order: used, after })).toThrow(expect.objectContaining({ code: 'ERR_BAD_CURSOR' }));
    }
    expect(tracker.list({ order: '-openedAt', after: cursorOf(must(row)) })).toEqual([]);
  });

  it('reads a page of the newest without walking the others', () => {
    const { tracker } = setup({ maxSessionsPerIp: 1e6, autoStart: false });
    for (let i = 0; i < 5_000; i++) tracker.trackHttp(hit({ token: `t${i}` }));
    const original = SessionList.prototype.walkBack;
    let visited = 0;
    jest.spyOn(SessionList.prototype, 'walkBack').mockImplementation(function (this: SessionList<never>, from, visit) {
      original.call(this, from, (row) => (visited++, visit(row as never)));
    });
    const page = tracker.list({ order: '-openedAt', limit: 30 });
    tracker.list({ order: '-openedAt', limit: 30, after: cursorOf(must(page.at(-1))) });
    expect(visited).toBe(60);
  });
});

describe('search', () => {
  it('finds a part of the user, an address, the agent or the stream, in any case', () => {
    const policies = [{ name: 'p', admit: () => ({ allow: true as const, userId: 'Zoë.Ångström' }) }];
    const { tracker } = setup({ policies });
    const { id } = must(request(tracker, { userAgent: 'VLC/3.0 (x64)', stream: 'live/Cam1' }).session);
    tracker.updateConfig({ policies: [] });
    connect(tracker, { stream: 'other', kind: 'input', remoteAddress: '10.9.8.7:1', userAgent: 'Lavf' });
    for (const search of ['zoë', 'ÅNGSTRÖM', '0.113', 'vlc/', '(X64)', 'VE/CAM']) {
      expect([search, ids(tracker.list({ search }))]).toEqual([search, [id]]);
    }
    for (const search of ['z.ë', '^live', 'v.c', '[', '\\', '.*', '|']) {
      expect([search, tracker.count({ search })]).toEqual([search, 0]);
    }
    tracker.kick(id);
    expect(tracker.count({ search: 'vlc', status: 'closed' })).toBe(1);
    expect(tracker.list({ search: 'vlc', status: 'active' })).toEqual([]);
    expect(tracker.kickAll({ search: '9.8.7' })).toBe(1);
  });

  const wrong: object[] = [
    { search: 'x'.repeat(257) },
    { search: 7 },
    { order: 'bytes' },
    { visits: 'first' },
    { kind: ['viewer', 'watcher'] },
  ];
  it.each(wrong)('refuses the filter %j', (filter) => {
    const { tracker } = setup();
    expect(() => tracker.count(filter)).toThrow(expect.objectContaining({ code: 'ERR_BAD_OPTION' }));
  });

  it('refuses to look at more than 200,000 sessions at once', () => {
    const sources = (...sizes: number[]) => sizes.map((size) => ({ size })) as unknown as Sources;
    const tooMany = expect.objectContaining({ code: 'ERR_TOO_MANY_ROWS', message: expect.stringContaining('200001') });
    for (const filter of [{ search: 'x' }, { order: '-bytes' }, { order: '-closedAt', stream: 'cam1' }] as const) {
      expect(() => checkEffort(sources(200_000, 1), filter)).toThrow(tooMany);
      expect(() => checkEffort(sources(200_000), filter)).not.toThrow();
    }
    expect(() => checkEffort(sources(1e6), { order: '-openedAt', user: 'bob' })).not.toThrow();
  });

  it('accepts several kinds, and kicks nobody by options of display', () => {
    const { tracker } = setup();
    request(tracker);
    connect(tracker, { kind: 'input' });
    connect(tracker, { kind: 'output' });
    expect(
      tracker
        .list({ kind: ['input', 'output'] })
        .map(({ kind }) => kind)
        .sort(),
    ).toEqual(['input', 'output']);
    expect(tracker.count({ kind: [] })).toBe(0);
    expect(() => tracker.kickAll({ order: '-bytes', visits: 'all' })).toThrow(
      expect.objectContaining({ code: 'ERR_EMPTY_FILTER' }),
    );
  });
});
