import express from 'express';
import { createTracker, type SessionTracker } from '@stream-sessions/core';
import { fakeClock } from '@stream-sessions/core/testing';
import { sessionsApi, type SessionsApiOptions } from '../src/index.js';
import { get } from './support/client.js';
import { directoryOf } from './support/directory.js';
import { closeServers, serve } from './support/serve.js';

const clock = fakeClock(Date.UTC(2026, 0, 2, 3, 4, 5));
let tracker: SessionTracker;
let url: string;

async function start(options: SessionsApiOptions = {}): Promise<void> {
  await closeServers();
  ({ url } = await serve(express().use(sessionsApi(directoryOf(tracker), { authorize: () => true, ...options }))));
}
beforeEach(() => {
  tracker = createTracker({ clock, autoStart: false });
  return start();
});
afterEach(async () => {
  await closeServers();
  await tracker.stop();
});

const hit = (n: number, more = {}) =>
  tracker.trackHttp({ stream: 'cam1', protocol: 'hls', ip: `10.0.0.${n}`, userAgent: 'ua', ...more })!;
const list = async (query: string, path = '/sessions'): Promise<any> => {
  const { status, text } = await get(url, `${path}?${query}`);
  return { status, ...JSON.parse(text) };
};
const idsOf = async (query: string): Promise<string[]> => (await list(query)).sessions.map(({ id }: any) => id);

describe('GET /sessions', () => {
  it('has one row per id, the latest visit, and on request every visit with its own visit_id', async () => {
    const { id } = hit(1);
    for (let i = 0; i < 3; i++) {
      tracker.kick(id, { denyForMs: 0 });
      clock.advance(1_000);
      hit(1);
    }
    const { sessions, total_count: total } = await list('');
    expect([total, sessions]).toEqual([1, [expect.objectContaining({ id })]]);
    expect(sessions[0]).not.toHaveProperty('closed_at');
    expect(sessions[0]).not.toHaveProperty('visit_id');
    expect(await list('status=closed')).toMatchObject({ total_count: 0, sessions: [] });
    const all = await list('visits=all');
    expect([all.total_count, all.sessions.length]).toEqual([4, 4]);
    const visitIds = all.sessions.map((row: any) => row.visit_id);
    expect(new Set(visitIds).size).toBe(4);
    for (const visitId of visitIds) expect(visitId).toMatch(new RegExp(`^${id}-\\d+$`));
    expect(await list('visits=all&status=closed&limit=2')).toMatchObject({ total_count: 3 });
    expect(await list('visits=latest&kind=viewer', '/streams/cam1/sessions')).toMatchObject({ total_count: 1 });
  });

  it.each([
    ['opened_at', [0, 1, 2, 3, 4]],
    ['-opened_at', [4, 3, 2, 1, 0]],
    ['-bytes', [2, 0, 4, 3, 1]],
    ['-closed_at', [4, 2, 1, 0, 3]],
  ])('is sorted by order=%s, page by page', async (order, expected) => {
    const ids: string[] = [];
    for (const [n, bytes] of [50, 10, 90, 20, 30].entries()) {
      ids.push(hit(n, { bytes }).id);
      clock.advance(10);
    }
    for (const n of [3, 0]) {
      tracker.kick(ids[n]!);
      clock.advance(10);
    }
    const seen: number[] = [];
    let next: string | undefined = '';
    do {
      const page: any = await list(`order=${encodeURIComponent(order)}&limit=2&after=${next}`);
      expect(page.total_count).toBe(5);
      seen.push(...page.sessions.map(({ id }: any) => ids.indexOf(id)));
      next = page.next;
    } while (next !== undefined);
    expect(seen).toEqual(expected);
  });

  it('finds viewers by part of a name, address or agent, and by tag', async () => {
    const { id } = hit(1, { userAgent: 'VLC/3.0.20 LibVLC', stream: 'Nürburgring' });
    const other = hit(2).id;
    tracker.tag(id, { plan: 'gold', 'a=b': '' });
    tracker.tag(other, { plan: 'silver' });
    for (const query of [
      'q=vlc',
      'q=N%C3%9CRB',
      'q=0.0.1',
      `q=${id.slice(2, 7)}`,
      'tag=plan=gold',
      'tag=plan%3Dgold',
    ]) {
      expect([query, await idsOf(query)]).toEqual([query, [id]]);
    }
    expect((await idsOf('tag=plan')).sort()).toEqual([id, other].sort());
    expect(await idsOf('tag=plan=bronze')).toEqual([]);
    expect(await idsOf('q=.*')).toEqual([]);
    expect((await list('q=vlc&limit=1')).total_count).toBe(1);
  });

  it('finds viewers who do not watch live, and those who do', async () => {
    const [past, live] = [hit(1, { dvr: true }).id, hit(2).id];
    expect([await idsOf('dvr=true'), await idsOf('dvr=false')]).toEqual([[past], [live]]);
    expect(await list('dvr=true', '/streams/cam1/sessions')).toMatchObject({ total_count: 1 });
  });

  it.each([
    ['dvr=1', 'true, false'],
    ['order=bytes', 'opened_at, -opened_at, -bytes, -closed_at'],
    ['order=constructor', 'opened_at'],
    ['visits=first', 'latest, all'],
    [`q=${'x'.repeat(257)}`, '256 characters'],
    ['order=-bytes&order=-bytes', 'twice'],
    ['Q=vlc', 'Allowed: stream'],
    ['order=-bytes&after=MTox', 'in this order'],
  ])('answers 400 to %s', async (query, message) => {
    const { status, error } = await list(query);
    expect([status, error.code]).toEqual([400, 'INVALID_QUERY']);
    expect(error.message).toContain(message);
  });

  it('answers 400 if too many sessions would have to be examined', async () => {
    jest.spyOn(tracker, 'list').mockImplementation(() => createTrackerThatIsFull().list({ search: 'x' }));
    const { status, error } = await list('q=x');
    expect([status, error.code]).toEqual([400, 'INVALID_QUERY']);
    expect(error.message).toMatch(/200000 sessions at most.*Name a stream or a status/);
  });

  /** As full as it looks to itself. */
  function createTrackerThatIsFull(): SessionTracker {
    const full = createTracker({ autoStart: false });
    Object.assign((full as any).registry.live, { size: 200_001 });
    return full;
  }
});

describe('kinds', () => {
  beforeEach(() => {
    hit(1);
    for (const kind of ['input', 'output'] as const) {
      tracker.openConn({ stream: 'cam1', protocol: 'rtmp', kind, remoteAddress: '10.9.9.9:1' });
    }
  });
  const kindsOf = async (query: string, path?: string) =>
    (await list(query, path)).sessions.map(({ kind }: any) => kind).sort();

  it('default to the option `kinds` if the request names none', async () => {
    expect(await kindsOf('')).toEqual(['input', 'output', 'viewer']);
    await start({ kinds: ['viewer', 'output'] });
    expect(await kindsOf('')).toEqual(['output', 'viewer']);
    expect(await kindsOf('kind=')).toEqual(['output', 'viewer']);
    expect(await kindsOf('', '/streams/cam1/sessions')).toEqual(['output', 'viewer']);
    expect(await kindsOf('kind=input')).toEqual(['input']);
    expect((await list('limit=1')).total_count).toBe(2);
  });

  it('are only viewers for clients of Open-Streamer, whose unknown queries are ignored', async () => {
    await start({ compat: 'open-streamer' });
    expect(await kindsOf('page=1&per_page=20&_=1700000000&__proto__=1')).toEqual(['viewer']);
    expect(await kindsOf('status=active&status=closed')).toEqual(['viewer']);
    expect(await kindsOf('stream=elsewhere', '/streams/cam1/sessions')).toEqual(['viewer']);
    expect(await kindsOf('kind=input')).toEqual(['input']);
    expect((await list('status=open')).status).toBe(400);
    expect((await get(url, '/stats?_=1')).status).toBe(200);
    const { id } = tracker.list({ kind: 'input' })[0]!;
    expect((await get(url, `/sessions/${id}?x=1`)).status).toBe(200);
    expect((await get(url, `/sessions/${id}?x=1`, {}, { method: 'DELETE' })).status).toBe(204);
    await start({ compat: 'open-streamer', kinds: ['input', 'viewer'] });
    expect(await kindsOf('')).toEqual(['input', 'viewer']);
  });
});
