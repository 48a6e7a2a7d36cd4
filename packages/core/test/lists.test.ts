import { cursorOf, type PlaySession, type SessionFilter } from '../src/index.js';
import type { Position } from '../src/registry/cursor.js';
import { SessionList } from '../src/registry/session-list.js';
import { conn, connect, hit, must, request, setup } from './support/make.js';

const ids = (sessions: readonly PlaySession[]): string[] => sessions.map(({ id }) => id);

/** All pages of a list, and what happens between them. */
function pages(
  list: (filter: SessionFilter) => PlaySession[],
  limit: number,
  between = (): void => undefined,
): PlaySession[] {
  const rows: PlaySession[] = [];
  for (let after: string | undefined; ; between()) {
    const page = list({ limit, ...(after === undefined ? {} : { after }) });
    rows.push(...page);
    if (page.length < limit) return rows;
    after = cursorOf(must(page.at(-1)));
  }
}

describe('list', () => {
  it('sorts visits by opening time, then id, live and closed together', () => {
    const { tracker, clock } = setup();
    for (let i = 0; i < 60; i++) {
      tracker.trackHttp(hit({ token: `t${i}` }));
      if (i % 7 === 0) clock.advance(1);
      if (i % 3 === 0) tracker.kick(must(tracker.list().at(i / 2)).id, { denyForMs: 0 });
    }
    const rows = tracker.list();
    const sorted = [...rows].sort((a, b) => a.openedAt - b.openedAt || (a.id < b.id ? -1 : 1));
    expect(ids(rows)).toEqual(ids(sorted));
    expect(rows).toHaveLength(60);
    expect(tracker.list()).toEqual(rows);
  });

  it('limits after the sort', () => {
    const { tracker } = setup();
    for (let i = 0; i < 10; i++) tracker.trackHttp(hit({ token: `t${i}` }));
    const all = tracker.list();
    expect(tracker.list({ limit: 3 })).toEqual(all.slice(0, 3));
    for (const limit of [0, -1, 1_000]) expect(tracker.list({ limit })).toEqual(all);
    expect(tracker.count({ limit: 3 })).toBe(10);
  });

  it('pages through every row once, while rows close, vanish and open in between', () => {
    const { tracker, clock } = setup({ closedRetentionMax: 30 });
    for (let i = 0; i < 100; i++) {
      tracker.trackHttp(hit({ token: `t${i}` }));
      if (i % 4 === 0) clock.advance(1);
    }
    const before = new Set(ids(tracker.list()));
    let next = 100;
    const rows = pages(
      (filter) => tracker.list(filter),
      7,
      () => {
        for (const { id } of tracker.list({ status: 'active', limit: 2 })) tracker.kick(id, { denyForMs: 0 });
        clock.advance(1);
        if (next < 110) tracker.trackHttp(hit({ token: `t${next++}` }));
      },
    );
    expect(new Set(ids(rows)).size).toBe(rows.length);
    const missing = [...before].filter((id) => !ids(rows).includes(id));
    expect(missing).toEqual([]);
  });

  it('continues after a row that is gone', () => {
    const { tracker } = setup({ closedRetentionMs: 0 });
    for (let i = 0; i < 5; i++) tracker.trackHttp(hit({ token: `t${i}` }));
    const rows = tracker.list();
    const after = cursorOf(must(rows[1]));
    tracker.kick(must(rows[1]).id);
    expect(ids(tracker.list({ after }))).toEqual(ids(rows.slice(2)));
  });

  it.each(['garbage', 'MTIz', '', cursorOf({ openedAt: 1, id: 'x' }).slice(0, -2)])(
    'rejects an invalid cursor: %j',
    (after) => {
      const { tracker } = setup();
      const list = (): PlaySession[] => tracker.list({ after });
      if (after === '') expect(list()).toEqual([]);
      else expect(list).toThrow(expect.objectContaining({ code: 'ERR_BAD_CURSOR' }));
    },
  );

  it('filters by every field, any of several values, and all of several fields', () => {
    const policies = [{ name: 'p', admit: () => ({ allow: true as const, userId: 'bob', tags: { plan: 'gold' } }) }];
    const { tracker } = setup({ policies, geo: { country: () => 'NL' }, identity: { viewer: ['token'] } });
    const mine = must(request(tracker, { token: 'a' }).session);
    request(tracker, { token: 'a', protocol: 'dash', ip: '10.0.0.1', stream: 'cam2' });
    tracker.updateConfig({ policies: [], geo: { country: () => undefined } });
    connect(tracker, { stream: 'cam3', kind: 'input', remoteAddress: '10.0.0.9:1' });
    const matching: SessionFilter[] = [
      { stream: 'cam1' },
      { stream: 'cam2' },
      { protocol: 'hls' },
      { protocol: 'dash' },
      { kind: 'viewer' },
      { user: 'bob' },
      { ip: '203.0.113.7' },
      { ip: '::ffff:10.0.0.1' },
      { country: 'NL' },
      { tag: 'plan' },
      { tag: 'plan=gold' },
      { stream: 'cam1', protocol: 'dash', user: 'bob', tag: 'plan=gold', status: 'active' },
    ];
    for (const filter of matching) {
      expect([filter, ids(tracker.list(filter)), tracker.count(filter)]).toEqual([filter, [mine.id], 1]);
    }
    for (const filter of [
      { stream: 'cam' },
      { stream: 'cam1', protocol: 'rtmp' },
      { user: 'ann' },
      { tag: 'plan=silver' },
      { tag: 'gold' },
      { tag: 'toString' },
      { reason: 'kicked' },
      { status: 'closed' as const },
    ]) {
      expect([filter, tracker.count(filter)]).toEqual([filter, 0]);
    }
    tracker.kick(mine.id);
    expect(tracker.count({ reason: 'kicked' })).toBe(1);
    expect([tracker.count({ status: 'closed', stream: 'cam2' }), tracker.count({ status: 'active' })]).toEqual([1, 1]);
    expect(tracker.count({ status: '' })).toBe(2);
  });

  it.each([{ stat: 'active' }, { status: 'actve' }, { kind: 'veiwer' }, null])('refuses the filter %j', (filter) => {
    const { tracker } = setup();
    for (const call of [() => tracker.list(filter as never), () => tracker.count(filter as never)]) {
      expect(call).toThrow(expect.objectContaining({ code: 'ERR_BAD_OPTION' }));
    }
  });

  it('reads one page of one stream without walking the others', () => {
    const original = SessionList.prototype.walk;
    const { tracker } = setup({ maxSessionsPerIp: 1e6, autoStart: false });
    for (let i = 0; i < 20_000; i++) tracker.trackHttp(hit({ stream: `cam${i % 500}`, token: `t${i}` }));
    const walk = jest.spyOn(SessionList.prototype, 'walk');
    let visited = 0;
    walk.mockImplementation(function (this: SessionList<Position>, after, visit) {
      original.call(this, after, (item) => (visited++, visit(item)));
    });
    let rows = 0;
    for (let i = 0; i < 500; i++) rows += tracker.list({ stream: `cam${i}`, limit: 30 }).length;
    expect([rows, visited]).toEqual([15_000, 15_000]);
  });
});

describe('closed visits', () => {
  it('stay for closedRetentionMs', () => {
    const { tracker, clock } = setup({ closedRetentionMs: 5_000 });
    const { id } = must(tracker.trackHttp(hit()));
    tracker.kick(id);
    clock.advance(5_000);
    expect([tracker.count(), tracker.get(id)?.id]).toEqual([1, id]);
    clock.advance(1);
    expect([tracker.count(), tracker.get(id), tracker.list(), tracker.explain(id)]).toEqual([
      0,
      undefined,
      [],
      undefined,
    ]);
  });

  it('are limited to closedRetentionMax, the oldest dropped first', () => {
    const { tracker, clock } = setup({ closedRetentionMax: 3 });
    for (let i = 0; i < 6; i++) {
      tracker.kick(must(tracker.trackHttp(hit({ token: `t${i}`, stream: `cam${i}` }))).id);
      clock.advance(1);
    }
    expect(tracker.list().map(({ stream }) => stream)).toEqual(['cam3', 'cam4', 'cam5']);
    expect(tracker.count({ stream: 'cam0' })).toBe(0);
    tracker.updateConfig({ closedRetentionMax: 1 });
    expect(tracker.list().map(({ stream }) => stream)).toEqual(['cam5']);
    tracker.updateConfig({ closedRetentionMs: 0 });
    clock.advance(1);
    expect(tracker.list()).toEqual([]);
  });

  it('are found by id, the latest of several, unless one is live', () => {
    const { tracker, clock } = setup();
    const visits = [0, 1, 2].map(() => {
      const session = must(tracker.trackHttp(hit()));
      tracker.kick(session.id, { denyForMs: 0 });
      clock.advance(1_000);
      return session;
    });
    const id = must(visits[0]).id;
    expect(tracker.get(id)?.openedAt).toBe(visits[2]?.openedAt);
    expect(tracker.kick(id)).toBe(false);
    expect(tracker.tag(id, { a: 'b' })).toBe(false);
    const live = must(tracker.trackHttp(hit()));
    expect(tracker.get(id)).toMatchObject({ openedAt: live.openedAt, closedAt: undefined });
    expect(tracker.list({ visits: 'all' }).filter((session) => session.id === id)).toHaveLength(4);
  });
});

describe('streams and stats', () => {
  it('sum up the live streams by kind', () => {
    const { tracker } = setup();
    request(tracker, { token: 'a' }).end(10);
    const viewer = connect(tracker, { token: 'b' });
    viewer.touch(5);
    connect(tracker, { kind: 'input', stream: 'cam2' });
    const expected = [
      { stream: 'cam1', viewers: 2, dvr: 0, inputs: 0, outputs: 0, bytes: 15 },
      { stream: 'cam2', viewers: 0, dvr: 0, inputs: 1, outputs: 0, bytes: 0 },
    ];
    expect(tracker.streams()).toEqual(expected);
    expect(tracker.stats()).toEqual({
      active: 3,
      openedTotal: 3,
      resumedTotal: 0,
      waiting: 0,
      closedTotal: 0,
      idleClosedTotal: 0,
      kickedTotal: 0,
      deniedTotal: 0,
      overloadTotal: 0,
      handoversTotal: 0,
      droppedEventsTotal: 0,
      viewers: 2,
      inputs: 1,
      outputs: 0,
      sinks: [],
      bytesTotal: 15,
      receivedBytesTotal: 0,
      watchSecondsTotal: 0,
      closedByReason: {},
      deniedByReason: {},
      policies: [],
      activeBy: [
        { stream: 'cam1', protocol: 'hls', kind: 'viewer', active: 1 },
        { stream: 'cam1', protocol: 'rtmp', kind: 'viewer', active: 1 },
        { stream: 'cam2', protocol: 'rtmp', kind: 'input', active: 1 },
      ],
    });
  });

  it('forget a stream once nobody is left', () => {
    const { tracker } = setup();
    const { closer } = tracker.openConn(conn());
    closer.close();
    expect(tracker.streams()).toEqual([]);
    expect(tracker.list({ stream: 'cam1' })).toHaveLength(1);
  });
});

describe('tag', () => {
  it('labels a live session, within bounds, and shows in copies from then on', () => {
    const { tracker } = setup();
    const before = must(tracker.trackHttp(hit()));
    expect(tracker.tag(before.id, { vip: 'yes', __proto__x: 'y' })).toBe(true);
    expect(tracker.tag('nobody', { vip: 'yes' })).toBe(false);
    expect([before.tags, tracker.get(before.id)?.tags]).toEqual([{}, { vip: 'yes', __proto__x: 'y' }]);
    const bad = expect.objectContaining({ code: 'ERR_BAD_TAG' });
    const wrong: Record<string, string>[] = [
      { a: 5 as never },
      { '': 'x' },
      { a: 'x'.repeat(257) },
      { ['x'.repeat(257)]: 'a' },
    ];
    for (const tags of wrong) {
      expect(() => tracker.tag(before.id, tags)).toThrow(bad);
    }
    const many = Object.fromEntries(Array.from({ length: 31 }, (_, i) => [`k${i}`, 'v']));
    expect(() => tracker.tag(before.id, many)).toThrow(bad);
    expect(Object.keys(tracker.get(before.id)?.tags ?? {})).toHaveLength(2);
  });
});
