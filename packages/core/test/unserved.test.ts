import { inspect } from 'node:util';
import type { ConnHandle, HttpHit, PlaySession, Policy, RequestHandle, SessionTracker } from '../src/index.js';
import { ServedStreams } from '../src/registry/served-streams.js';
import {
  conn,
  connect,
  hit,
  letIn,
  live,
  mayRequest,
  must,
  now,
  refusal,
  request,
  setup,
  story,
} from './support/make.js';

const ask = (tracker: SessionTracker, over: Partial<HttpHit> = {}): RequestHandle =>
  request(tracker, { tentative: true, ...over });

/** Everything in which a viewer leaves a trace. */
function traces(tracker: SessionTracker): object {
  return { list: tracker.list(), count: tracker.count(), streams: tracker.streams(), ...tracker.stats() };
}

describe('a request that may yet be an error', () => {
  it.each<[string, (handle: RequestHandle) => void]>([
    ['was one', (handle) => handle.end()],
    ['never was answered', (handle) => handle.touch()],
  ])('leaves no trace on a stream of which nothing was ever served, if it %s', (_, end) => {
    const { tracker, clock } = setup();
    const before = traces(tracker);
    const told = story(tracker);
    const handle = ask(tracker);
    expect(handle.session).toMatchObject({ stream: 'cam1', ip: '203.0.113.7' });
    expect(traces(tracker)).toEqual(before);
    end(handle);
    clock.advance(1e6);
    expect(traces(tracker)).toEqual(before);
    expect(told).toEqual([]);
  });

  it.each<[string, (handle: RequestHandle) => void]>([
    ['said so', (handle) => handle.served()],
    ['credits bytes', (handle) => handle.touch(5)],
    ['ends with bytes', (handle) => handle.end(5)],
  ])('is listed once it %s, with the time of its arrival', (_, serve) => {
    const { tracker, clock } = setup();
    const told = story(tracker);
    const openedAt = clock.now();
    const handle = ask(tracker);
    const { id } = must(handle.session);
    clock.advance(500);
    serve(handle);
    handle.served();
    handle.end();
    handle.served();
    expect(tracker.list()).toMatchObject([{ id, openedAt, stream: 'cam1' }]);
    expect(told.filter((line) => line.startsWith('opened'))).toEqual([`opened ${id}`]);
    expect(tracker.stats()).toMatchObject({ active: 1, openedTotal: 1, viewers: 1 });
    expect(tracker.streams()).toMatchObject([{ stream: 'cam1', viewers: 1 }]);
    clock.advance(60_000);
    expect(tracker.stats()).toMatchObject({ active: 0, openedTotal: 1, closedTotal: 1 });
    expect(tracker.list()).toMatchObject([{ id, closeReason: 'idle' }]);
  });

  it('stays hidden while another request of its viewer is open, until the first one is served', () => {
    const { tracker } = setup();
    const [first, second, third] = [ask(tracker), ask(tracker), ask(tracker, { sid: 's' })];
    first?.end();
    expect(tracker.list()).toEqual([]);
    second?.served();
    expect(live(tracker)).toMatchObject([{ namedBy: 'cmcd' }]);
    second?.end();
    third?.end();
    ask(tracker).end();
    expect(live(tracker)).toHaveLength(1);
  });

  it.each<[string, (tracker: SessionTracker) => void]>([
    ['by HTTP', (tracker) => void tracker.trackHttp(hit({ ip: '10.0.0.1' }))],
    ['by HTTP, 304', (tracker) => void tracker.trackHttp(hit({ ip: '10.0.0.1', status: 304 }))],
    ['by a connection', (tracker) => connect(tracker, { remoteAddress: '10.0.0.1:9' }).touch(5)],
  ])('is listed at once on a stream of which something was served %s, even long ago', (_, serve) => {
    const { tracker, clock } = setup();
    serve(tracker);
    const [other] = live(tracker);
    ask(tracker).end();
    expect(live(tracker)).toHaveLength(2);
    tracker.kick(must(other).id);
    clock.advance(1e7);
    expect(live(tracker)).toEqual([]);
    ask(tracker, { ip: '10.0.0.2' }).end();
    expect(live(tracker)).toMatchObject([{ ip: '10.0.0.2' }]);
  });

  it.each<[string, (tracker: SessionTracker) => void]>([
    ['a publisher', (tracker) => connect(tracker, { kind: 'input' }).addReceived(5)],
    ['a player that got nothing', (tracker) => void connect(tracker)],
    ['an error', (tracker) => void tracker.trackHttp(hit({ ip: '10.0.0.1', status: 404 }))],
  ])('does not count as served a stream that only had %s', (_, come) => {
    const { tracker } = setup();
    come(tracker);
    const before = traces(tracker);
    ask(tracker).end();
    expect(traces(tracker)).toEqual(before);
  });

  it('shows its viewer when another hit of that viewer is recorded, unless that was an error', () => {
    const { tracker } = setup({ identity: { mergeConnections: true } });
    const over = { token: 't' };
    const handle = ask(tracker, over);
    expect(tracker.trackHttp(hit({ ...over, status: 500, bytes: 7 }))).toMatchObject({ bytes: 0 });
    expect(tracker.list()).toEqual([]);
    tracker.openConn(conn(over));
    expect(live(tracker)).toMatchObject([{ protocols: ['hls', 'rtmp'], connections: 1, bytes: 0 }]);
    handle.end();
    expect(live(tracker)).toHaveLength(1);
  });

  it('does not hide a viewer that has been served, because of errors or on other streams', () => {
    const { tracker, clock } = setup({ identity: { viewer: ['ip', 'token'] } });
    ask(tracker).served();
    for (let i = 0; i < 5; i++) {
      clock.advance(20_000);
      ask(tracker, { stream: `invented${i}` }).end();
    }
    expect(live(tracker)).toMatchObject([{ stream: 'invented4' }]);
    const other = ask(tracker, { ip: '10.0.0.1', stream: 'x' });
    ask(tracker, { ip: '10.0.0.1', stream: 'y' });
    expect(live(tracker)).toHaveLength(1);
    other.served();
    expect(live(tracker)).toMatchObject([{}, { streams: ['x', 'y'] }]);
    expect(tracker.streams().map(({ stream }) => stream)).toEqual(expect.arrayContaining(['x', 'y', 'cam1']));
  });

  it('does not remove the previous visit of a viewer who comes back', () => {
    const { tracker, clock } = setup();
    const handle = ask(tracker);
    handle.end(5);
    clock.advance(60_000);
    const [closed] = tracker.list();
    for (let i = 0; i < 20_000; i++) tracker.trackHttp(hit({ stream: `s${i}`, ip: `10.0.${i >> 8}.${i & 255}` }));
    const again = ask(tracker);
    expect(tracker.list({ stream: 'cam1' })).toEqual([closed]);
    again.end();
    expect(tracker.list({ stream: 'cam1' })).toEqual([closed]);
    expect(tracker.get(must(closed).id)).toEqual(closed);
  });
});

describe('a viewer that has not been served yet', () => {
  it('counts against the cap while waiting, and no longer after an error', () => {
    const { tracker } = setup({ maxSessionsPerIp: 1, onOverload: 'deny' });
    const waiting = ask(tracker);
    expect(mayRequest(tracker, { token: 't', userAgent: 'other' })).toBe(false);
    waiting.end();
    const served = ask(tracker, { userAgent: 'other' });
    served.served();
    expect(mayRequest(tracker)).toBe(false);
    expect(live(tracker)).toHaveLength(1);
  });

  it('is counted by policies, so that many at once do not get past a limit', () => {
    const counted: number[] = [];
    const atMostOne: Policy = {
      name: 'one',
      stage: 'concurrency',
      admit({ stream, session }, view) {
        const count = view.count({ stream, status: 'active' });
        counted.push(count);
        expect(view.list({ stream })).toHaveLength(count);
        return session === undefined && count > 0 ? { allow: false, reason: 'limit', kind: 'limit' } : { allow: true };
      },
    };
    const { tracker } = setup({ policies: [atMostOne] });
    const all = Array.from({ length: 50 }, (_, i) => now(tracker.admit(hit({ ip: `10.0.0.${i}`, tentative: true }))));
    expect(all.filter(({ admitted }) => admitted)).toHaveLength(1);
    for (const admission of all) if (admission.admitted) admission.handle.served();
    expect(live(tracker)).toHaveLength(1);
    expect(counted).toContain(1);
  });

  it('is closed for policies, which then forget it', () => {
    const told: string[] = [];
    const policy: Policy = {
      name: 'p',
      admit: () => ({ allow: true }),
      settled: (_candidate, session) => void told.push(`settled ${session?.stream}`),
      closed: ({ stream, closeReason }) => void told.push(`closed ${stream} ${closeReason}`),
    };
    const { tracker } = setup({ policies: [policy] });
    ask(tracker, { stream: 'invented' }).end();
    expect(told).toEqual(['settled invented', 'closed invented not_served']);
  });

  it('makes room once its last request was cut as stalled', () => {
    const { tracker, clock } = setup({ maxSessions: 1, stallTimeoutMs: 3_000, idleTimeoutMs: 60_000 });
    const handle = ask(tracker);
    clock.advance(5_000);
    expect(handle.signal.aborted).toBe(true);
    expect(must(tracker.trackHttp(hit({ stream: 'cam2' })))).toMatchObject({ stream: 'cam2' });
  });

  it('replaces nobody before being served', () => {
    const replacing: Policy = {
      name: 'one per user',
      stage: 'concurrency',
      admit: ({ session }, view) => ({
        allow: true,
        userId: 'ann',
        replace: () =>
          view
            .list({ user: 'ann', status: 'active' })
            .map(({ id }) => id)
            .filter((id) => id !== session?.id),
      }),
    };
    const { tracker } = setup({ policies: [replacing] });
    const playing = request(tracker, { ip: '10.0.0.1' });
    ask(tracker, { stream: 'invented' }).end();
    expect(live(tracker)).toHaveLength(1);
    const next = ask(tracker, { stream: 'cam2' });
    expect(live(tracker)).toMatchObject([{ stream: 'cam1' }]);
    const told = story(tracker);
    next.served();
    expect(live(tracker)).toMatchObject([{ stream: 'cam2' }]);
    expect(told).toMatchObject([expect.stringMatching(/^closed .* replaced/), expect.stringMatching(/^opened/)]);
    expect(playing.signal.aborted).toBe(true);
  });

  it('is not counted by a policy that decides which session makes room', () => {
    const atMostTwo: Policy = {
      name: 'two',
      stage: 'concurrency',
      admit: (_candidate, view) => ({
        allow: true,
        userId: 'ann',
        replace: () => {
          const here = view.list({ user: 'ann', status: 'active' }).map(({ id }) => id);
          return here.slice(0, Math.max(0, here.length + 1 - 2));
        },
      }),
    };
    const { tracker, clock } = setup({ policies: [atMostTwo] });
    for (const stream of ['cam1', 'cam2', 'cam3']) {
      clock.advance(1);
      ask(tracker, { stream }).served();
    }
    expect(live(tracker).map(({ stream }) => stream)).toEqual(['cam2', 'cam3']);
    expect(tracker.streams().map(({ stream }) => stream)).toEqual(['cam2', 'cam3']);
  });

  it('is cut, unlisted, if a policy fails to say which session makes room', () => {
    const failing: Policy = {
      name: 'p',
      admit: () => ({
        allow: true,
        replace: () => {
          throw new Error('no idea');
        },
      }),
    };
    const { tracker } = setup({ policies: [failing] });
    const told = story(tracker);
    const handle = ask(tracker);
    handle.served();
    expect(handle.signal.aborted).toBe(true);
    expect([tracker.list(), told]).toEqual([[], []]);
  });

  it.each<[string, (tracker: SessionTracker, session: PlaySession) => unknown]>([
    ['kicked by its id', (tracker, { id }) => tracker.kick(id)],
    ['kicked by a filter', (tracker) => tracker.kickAll({ stream: 'cam1' })],
    ['denied', (tracker) => tracker.deny({ stream: 'cam1' })],
    ['denied by address', (tracker) => tracker.deny({ ip: '203.0.113.7' })],
  ])('can be %s: cut and kept out, without any other event', (_, stop) => {
    const { tracker } = setup();
    const told = story(tracker);
    const handle = ask(tracker);
    expect(stop(tracker, must(handle.session))).toBeTruthy();
    expect(handle.signal.aborted).toBe(true);
    handle.served();
    handle.end(5);
    expect(refusal(now(tracker.admit(hit({ tentative: true }))))).toMatchObject({ kind: 'forbidden' });
    expect(tracker.list()).toEqual([]);
    expect(told).toEqual([expect.stringMatching(/^denied/)]);
    expect(tracker.stats()).toMatchObject({ openedTotal: 0, closedTotal: 0, kickedTotal: 0, bytesTotal: 0 });
  });

  it('is judged again, and cut if policies say so', async () => {
    let verdict = true;
    const admit = (): { allow: true } | { allow: false; reason: string } =>
      verdict ? { allow: true } : { allow: false, reason: 'unauthorized' };
    const { tracker } = setup({ policies: [{ name: 'p', admit }] });
    const handle = ask(tracker);
    verdict = false;
    expect(await tracker.invalidate('cam1')).toMatchObject({ asked: 1, closed: 1 });
    expect(handle.signal.aborted).toBe(true);
    expect(tracker.list()).toEqual([]);
  });

  it('is cut on a stall, and when the tracker stops', async () => {
    const { tracker, clock } = setup({ stallTimeoutMs: 5_000 });
    const stalled = ask(tracker);
    clock.advance(60_000);
    expect(stalled.signal.aborted).toBe(true);
    const last = ask(tracker);
    const told = story(tracker);
    await tracker.stop();
    expect(last.signal.aborted).toBe(true);
    expect(told).toEqual([]);
  });

  it('waits for a slow policy like others, and opens nothing if the client has left', async () => {
    const { tracker } = setup({ policies: [{ name: 'slow', admit: async () => ({ allow: true }) }] });
    const asked = [1, 2].map(async () => letIn(await tracker.admit(hit({ tentative: true }))));
    const [first, second] = await Promise.all(asked);
    expect(tracker.list()).toEqual([]);
    first?.end();
    second?.served();
    expect(live(tracker)).toHaveLength(1);
  });
});

describe('trackHttp of a request answered with an error', () => {
  it.each([400, 404, 410, 500, 503])('makes no viewer on a stream that has never been served: %i', (status) => {
    const { tracker } = setup();
    const before = traces(tracker);
    expect(tracker.trackHttp(hit({ status }))).toBeNull();
    expect(traces(tracker)).toEqual(before);
  });

  it.each([200, 206, 301, 302, 304, undefined])('makes a viewer if the status is not an error: %p', (status) => {
    const { tracker } = setup();
    expect(tracker.trackHttp(hit({ status }))).not.toBeNull();
    expect(tracker.trackHttp(hit({ status: 404, ip: '10.0.0.1' }))).not.toBeNull();
    expect(live(tracker)).toHaveLength(2);
  });
});

describe('the memory of served streams', () => {
  it('holds no made-up names', () => {
    const { tracker } = setup();
    for (let i = 0; i < 20_000; i++) {
      tracker.trackHttp(hit({ stream: `made-up-${i}`, status: 404 }));
      if (i % 10 === 0) ask(tracker, { stream: `made-up-${i}`, ip: `10.0.${i % 256}.1` }).end();
    }
    tracker.trackHttp(hit({ stream: 'really-served' }));
    const inside = inspect(tracker, { depth: 20, maxArrayLength: null, maxStringLength: null });
    expect(inside).toContain('really-served');
    expect(inside).not.toContain('made-up-');
  });

  it('holds the latest ones, up to its limit', () => {
    const served = new ServedStreams(3);
    for (const code of ['a', 'b', 'c', 'a', 'd']) served.add(code);
    expect(['a', 'b', 'c', 'd'].map((code) => served.has(code))).toEqual([true, false, true, true]);
  });
});

it('a connection is listed at once', () => {
  const { tracker } = setup();
  const handle: ConnHandle = connect(tracker, { tentative: true } as never);
  expect(live(tracker)).toHaveLength(1);
  handle.close();
});
