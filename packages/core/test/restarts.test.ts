import { createTracker, type Policy, type SessionTracker, type StateStore, type TrackerOptions } from '../src/index.js';
import {
  conn,
  connect,
  eventsOf,
  hit,
  live,
  mayConnect,
  mayRequest,
  must,
  now,
  pending,
  refusal,
  request,
} from './support/make.js';
import { Processes } from './support/restarts.js';

const MINUTE = 60_000;

let processes: Processes;
afterEach(() => processes.end());

async function begin(options: TrackerOptions = {}): Promise<SessionTracker> {
  processes = new Processes(options);
  return processes.start();
}

/** The process is killed, and the next one is there. */
async function restart(tracker: SessionTracker, downMs = 2_000, options: TrackerOptions = {}): Promise<SessionTracker> {
  await processes.kill(tracker);
  return processes.start(options, downMs);
}

/** How far everybody is, which else is written down every five seconds. */
const writeDown = (tracker: SessionTracker): void =>
  live(tracker).forEach(({ id }) => tracker.tag(id, { seen: 'yes' }));

describe('a viewer whose server was restarted', () => {
  it('continues the same visit, with everything known about it, and is not reported as new', async () => {
    const first = await begin();
    const before = must(
      request(first, { token: 'secret', bytes: 1000, query: '?x=1', referer: 'https://a.example/' }).session,
    );
    processes.clock.advance(5_000);
    request(first, { token: 'secret' }).end(500);
    first.tag(before.id, { room: 'blue' });
    const second = await restart(first);
    expect([live(second), second.stats().waiting]).toEqual([[], 1]);
    const opened = eventsOf(second, 'opened');
    const resumed = eventsOf(second, 'resumed');
    const handle = request(second, { token: 'secret', bytes: 10 });
    expect(handle.session).toMatchObject({
      id: before.id,
      openedAt: before.openedAt,
      startedAt: before.startedAt,
      bytes: 1510,
      tags: { room: 'blue' },
      query: before.query,
      referer: before.referer,
      tokenFingerprint: before.tokenFingerprint,
      namedBy: 'token',
      durationMs: 7_000,
    });
    expect(opened).toEqual([]);
    expect(resumed).toMatchObject([{ session: { id: before.id, bytes: 1510 }, viewers: 1 }]);
    expect(second.stats()).toMatchObject({ active: 1, openedTotal: 0, resumedTotal: 1, waiting: 0 });
  });

  it.each<[string, object, object]>([
    ['by its token', { token: 'a' }, { token: 'a' }],
    ['by its CMCD session id', { sid: 'a' }, { sid: 'a' }],
    ["by Apple's playback session id", { playerSessionId: 'a' }, { playerSessionId: 'a' }],
    ['by address and player', {}, {}],
    ['without the name it had, being the only one with its player', { token: 'a' }, {}],
    ['with a name that it did not have, being the only one with its player', {}, { sid: 'late' }],
  ])('is found %s', async (_, before, after) => {
    const first = await begin();
    const { id } = must(request(first, before).session);
    const second = await restart(first);
    expect(request(second, after).session?.id).toBe(id);
    expect(live(second)).toHaveLength(1);
  });

  it.each<[string, object, object]>([
    ['another token', { token: 'a' }, { token: 'b' }],
    ['another CMCD session id', { sid: 'a' }, { sid: 'b' }],
    ['another player', {}, { userAgent: 'other/2.0' }],
    ['another address', {}, { ip: '203.0.113.8' }],
    ['another stream', {}, { stream: 'cam2' }],
  ])('is not mistaken for a viewer with %s', async (_, before, after) => {
    const first = await begin();
    const { id } = must(request(first, before).session);
    const second = await restart(first);
    expect(request(second, after).session?.id).not.toBe(id);
    expect(second.stats()).toMatchObject({ waiting: 1, openedTotal: 1 });
    // and the one that waits is found all the same
    expect(request(second, before).session?.id).toBe(id);
  });

  it('is still found by a name that it comes back with later, and no other takes its place', async () => {
    const first = await begin();
    const { id } = must(request(first, { token: 'a' }).session);
    request(first, { token: 'a', sid: 'its-sid' });
    const second = await restart(first);
    expect(request(second, {}).session?.id).toBe(id);
    expect(request(second, { sid: 'another' }).session?.id).not.toBe(id);
    expect(request(second, { token: 'b' }).session?.id).not.toBe(id);
    expect(request(second, { sid: 'its-sid' }).session?.id).toBe(id);
    expect(request(second, { token: 'a' }).session).toMatchObject({ id, namedBy: 'token' });
    expect(live(second)).toHaveLength(2);
  });

  it('is found again by every name after two restarts, though it used only one of them in between', async () => {
    const first = await begin();
    const { id } = must(request(first, { token: 'a', sid: 's' }).session);
    const second = await restart(first);
    expect(request(second, {}).session?.id).toBe(id);
    const third = await restart(second);
    expect(request(third, { sid: 'other' }).session?.id).not.toBe(id);
    expect(request(third, { token: 'a' }).session?.id).toBe(id);
  });

  it('is still waited for after a second restart, though it was not seen in between', async () => {
    const first = await begin();
    const { id } = must(request(first, { token: 'a' }).session);
    const third = await restart(await restart(first));
    expect(request(third, { token: 'a' }).session?.id).toBe(id);
  });

  it('is told apart from others behind its address if it cannot be recognised', async () => {
    const first = await begin();
    const ids = ['a', 'b'].map((token) => request(first, { token }).session?.id);
    const second = await restart(first);
    expect(ids).not.toContain(request(second, {}).session?.id);
    expect(['a', 'b'].map((token) => request(second, { token }).session?.id)).toEqual(ids);
  });

  it('is counted with the other viewers of its stream, whichever came first', async () => {
    const first = await begin();
    for (const token of ['a', 'b', 'c']) request(first, { token });
    const second = await restart(first);
    const resumed = eventsOf(second, 'resumed');
    for (const token of ['a', 'new', 'b', 'c']) request(second, { token });
    expect(second.streams()).toMatchObject([{ stream: 'cam1', viewers: 4 }]);
    expect(resumed.map(({ viewers }) => viewers)).toEqual([1, 3, 4]);
    expect(second.list({ stream: 'cam1' })).toHaveLength(4);
  });

  it('is credited with watch time before the restart, but not while the server was down', async () => {
    const first = await begin({ idleTimeoutMs: 30_000 });
    request(first, { token: 'a' });
    processes.clock.advance(10_000);
    request(first, { token: 'a' }).end();
    writeDown(first);
    const second = await restart(first, 2 * MINUTE);
    expect(request(second, { token: 'a' }).session?.durationMs).toBe(10_000 + 30_000);
    expect(second.stats().watchSecondsTotal).toBe(30);
  });

  it.each([
    ['forward', 3 * 60 * MINUTE],
    ['back', -3 * 60 * MINUTE],
  ])('continues to watch if the clock was set %s in between', async (_, ms) => {
    const first = await begin({ idleTimeoutMs: 30_000 });
    const before = must(request(first, { token: 'a' }).session);
    processes.clock.advance(10_000);
    request(first, { token: 'a' }).end();
    writeDown(first);
    await processes.kill(first);
    processes.clock.jump(ms);
    const second = await processes.start({}, 0);
    const session = must(request(second, { token: 'a' }).session);
    expect(session).toMatchObject({ id: before.id, openedAt: before.openedAt });
    expect(session.durationMs).toBe(ms > 0 ? 10_000 + 30_000 : 10_000);
  });

  it('is closed as lost at its last activity if it does not come back', async () => {
    const first = await begin();
    request(first, { token: 'a', bytes: 5 });
    processes.clock.advance(7_000);
    request(first, { token: 'a' }).end();
    writeDown(first);
    const { updatedAt, id } = must(live(first)[0]);
    const second = await restart(first);
    const closed = eventsOf(second, 'closed');
    processes.clock.advance(5 * MINUTE - 1);
    await second.saved();
    expect(closed).toEqual([]);
    processes.clock.advance(1);
    await second.saved();
    expect(closed).toMatchObject([{ reason: 'lost', session: { id, updatedAt, durationMs: 7_000 } }]);
    expect(second.list()).toMatchObject([{ id, closeReason: 'lost' }]);
    const third = await restart(second);
    expect(third.stats().waiting).toBe(0);
  });

  it('waits for as long as the option says', async () => {
    const first = await begin({ resumeWithinMs: 1_000 });
    request(first);
    const second = await restart(first);
    processes.clock.advance(1_000);
    await second.saved();
    expect(second.stats()).toMatchObject({ waiting: 0, closedByReason: { lost: 1 } });
  });

  it('is judged by the policies anew, and continues only if they approve', async () => {
    const asked: string[] = [];
    let isWelcome = true;
    const policy: Policy = {
      name: 'door',
      stage: 'authorise',
      admit: ({ token = '' }) => {
        asked.push(token);
        return isWelcome ? { allow: true, userId: 'bob' } : { allow: false, reason: 'unauthorized' };
      },
    };
    const first = await begin({ policies: [policy] });
    const { id } = must(request(first, { token: 'a' }).session);
    const second = await restart(first);
    isWelcome = false;
    expect(refusal(now(second.admit(hit({ token: 'a' })))).reason).toBe('unauthorized');
    expect(second.stats().waiting).toBe(1);
    second.liftDenial(must(second.denials()[0]).id);
    isWelcome = true;
    expect(request(second, { token: 'a' }).session).toMatchObject({ id, userId: 'bob' });
    expect(asked).toEqual(['a', 'a', 'a']);
  });

  it('continues with a token that was renewed meanwhile, if it is the only one of its user there', async () => {
    const policy: Policy = {
      name: 'door',
      stage: 'authorise',
      admit: ({ token = '' }) => ({ allow: true, userId: token.split('-')[0] as string }),
    };
    const first = await begin({ policies: [policy] });
    const { id } = must(request(first, { token: 'bob-1' }).session);
    const second = await restart(first);
    expect(request(second, { token: 'eve-1' }).session?.id).not.toBe(id);
    expect(request(second, { token: 'bob-2' }).session?.id).toBe(id);
  });
});

describe('a connection whose server was restarted', () => {
  it.each<[string, object]>([
    ['its token', { token: 'a' }],
    ['its user', { userId: 'bob' }],
    ['its player', { userAgent: 'LNX 9,0,124,2' }],
    ['its address', {}],
  ])('goes on by %s, and ends when it ends', async (_, facts) => {
    const first = await begin();
    const handle = connect(first, facts);
    handle.touch(100);
    const { id } = must(handle.session);
    const second = await restart(first);
    const again = connect(second, facts);
    again.touch(10);
    expect(again.session).toMatchObject({ id, bytes: 110, connections: 1 });
    again.close();
    expect(second.get(id)?.closeReason).toBe('client_gone');
  });

  it('does not continue if two indistinguishable visits wait', async () => {
    const first = await begin();
    const ids = [connect(first), connect(first)].map(({ session }) => session?.id);
    const second = await restart(first);
    expect(ids).not.toContain(connect(second).session?.id);
  });

  it('publishes on as the same input', async () => {
    const first = await begin();
    const handle = connect(first, { kind: 'input' });
    handle.addReceived?.(500);
    const second = await restart(first);
    expect(connect(second, { kind: 'input' }).session).toMatchObject({ id: handle.session?.id, bytesReceived: 500 });
  });
});

describe('a viewer who is kept out', () => {
  it('stays out, and its neighbour plays on', async () => {
    const first = await begin();
    const neighbour = must(request(first, { token: 'neighbour' }).session);
    const kicked = must(request(first, { token: 'kicked' }).session);
    first.kick(kicked.id);
    const second = await restart(first);
    expect(mayRequest(second, { token: 'kicked' })).toBe(false);
    expect(mayRequest(second, { token: 'fresh' })).toBe(false);
    expect(request(second, { token: 'neighbour' }).session?.id).toBe(neighbour.id);
    expect(second.denials()).toMatchObject([{ by: 'kick', target: { session: kicked.id } }]);
  });

  it('stays denied by token, user, address or agent, for as long as ordered', async () => {
    const first = await begin();
    first.deny({ token: 'bad' }, { forMs: MINUTE });
    first.deny({ ip: '198.51.100.0/24' });
    first.deny({ userAgent: 'bot/1.0' });
    const second = await restart(first);
    expect(mayRequest(second, { token: 'bad' })).toBe(false);
    expect(mayRequest(second, { ip: '198.51.100.9' })).toBe(false);
    expect(mayRequest(second, { userAgent: 'bot/1.0' })).toBe(false);
    processes.clock.advance(MINUTE);
    expect(mayRequest(second, { token: 'bad' })).toBe(true);
  });

  it('is not one whose denial was lifted or has ended meanwhile', async () => {
    const first = await begin();
    const { id } = first.deny({ token: 'lifted' });
    first.deny({ token: 'over' }, { forMs: 1_000 });
    await first.saved();
    first.liftDenial(id);
    const second = await restart(first);
    expect(second.denials()).toEqual([]);
    expect(mayRequest(second, { token: 'lifted' })).toBe(true);
  });

  it('is recognised under another name, even if it was kicked while waiting', async () => {
    const first = await begin();
    const { id } = must(request(first, { token: 'a', sid: 's' }).session);
    const second = await restart(first);
    const closed = eventsOf(second, 'closed');
    expect(second.kick(id)).toBe(true);
    expect(closed).toMatchObject([{ reason: 'kicked', session: { id } }]);
    expect(mayRequest(second, { token: 'a' })).toBe(false);
    expect(mayRequest(second, { sid: 's', userAgent: 'other/1.0' })).toBe(false);
    expect(mayRequest(second, { token: 'b', userAgent: 'other/1.0' })).toBe(true);
  });

  it('may be any waiting viewer that kickAll or deny covers', async () => {
    const first = await begin();
    for (const token of ['a', 'b']) request(first, { token, stream: 'cam1' });
    request(first, { token: 'c', stream: 'cam2' });
    const second = await restart(first);
    expect(second.kickAll({ stream: 'cam1' })).toBe(2);
    second.deny({ token: 'c' });
    expect(second.stats()).toMatchObject({ waiting: 0, closedByReason: { kicked: 2, denied: 1 } });
  });

  it('cannot come back as a waiting visit', async () => {
    const first = await begin();
    request(first, { sid: 'neighbour' });
    const kicked = must(request(first, { sid: 'kicked' }).session);
    first.kick(kicked.id);
    const second = await restart(first);
    expect(mayRequest(second, { sid: 'kicked' })).toBe(false);
    expect(mayRequest(second, { token: 'made-up' })).toBe(false);
    expect(mayRequest(second, { sid: 'neighbour' })).toBe(true);
  });
});

describe('stop({ keep: true })', () => {
  it('closes no session, refuses newcomers, and lets the next process continue to the byte', async () => {
    const first = await begin();
    const closed = eventsOf(first, 'closed');
    const response = request(first, { token: 'a' });
    const connection = connect(first);
    connection.onCut(() => 7);
    const stopping = first.stop({ keep: true });
    expect(refusal(now(first.admit(hit({ token: 'a' })))).reason).toBe('shutdown');
    response.end(1234);
    processes.clock.advance(50);
    await stopping;
    expect(closed).toEqual([]);
    const second = await processes.start({}, 1_000);
    expect(request(second, { token: 'a' }).session).toMatchObject({ id: response.session?.id, bytes: 1234 });
    expect(connect(second).session).toMatchObject({ id: connection.session?.id, bytes: 7 });
  });

  it('cuts what has not ended in time', async () => {
    const first = await begin();
    const cut: string[] = [];
    request(first, { token: 'a' }).onCut((reason) => void cut.push(reason));
    const stopping = first.stop({ keep: true, timeoutMs: 200 });
    expect(cut).toEqual([]);
    for (let i = 0; i < 5; i++) {
      processes.clock.advance(50);
      await new Promise((resolve) => setImmediate(resolve));
    }
    await stopping;
    expect(cut).toEqual(['shutdown']);
  });

  it('without it, every session is closed, including those that had only waited', async () => {
    const first = await begin();
    request(first, { token: 'a' });
    request(first, { token: 'b' });
    const second = await restart(first);
    request(second, { token: 'a' });
    const closed = eventsOf(second, 'closed');
    await second.stop();
    expect(closed.map(({ reason }) => reason).sort()).toEqual(['lost', 'shutdown']);
    expect((await processes.start()).stats().waiting).toBe(0);
  });
});

describe('while the state is read', () => {
  it('newcomers wait for it, and are then found', async () => {
    const first = await begin();
    const { id } = must(request(first, { token: 'a' }).session);
    first.deny({ token: 'bad' });
    await processes.kill(first);
    const second = processes.startNow();
    const answers = [pending(second.admit(hit({ token: 'a' }))), pending(second.admit(hit({ token: 'bad' })))];
    const gone = pending(second.admit(conn()));
    gone.cancel();
    const [good, bad] = await Promise.all(answers);
    expect([good?.admitted && good.handle.session?.id, bad?.admitted]).toEqual([id, false]);
    expect((await gone).admitted).toBe(false);
    expect(live(second)).toHaveLength(1);
    expect(mayConnect(second)).toBe(true);
  });

  it('denials ordered meanwhile apply, and are stored', async () => {
    const first = await begin();
    await processes.kill(first);
    const second = processes.startNow();
    second.deny({ token: 'bad' });
    const third = await restart(second);
    expect(mayRequest(third, { token: 'bad' })).toBe(false);
  });
});

describe('what is written to the state store', () => {
  it('is safe for every caller that awaits saved(), even concurrently', async () => {
    let isWritten = 0;
    const state: StateStore = {
      fingerprintKey: 'k'.repeat(32),
      async *load() {},
      save: async (changes) => {
        await new Promise((resolve) => setImmediate(resolve));
        isWritten += changes.filter(([key]) => key.startsWith('denial/')).length;
      },
      close: async () => undefined,
    };
    const tracker = createTracker({ state });
    await tracker.ready;
    const seen = await Promise.all(
      ['a', 'b', 'c'].map(async (token) => {
        tracker.deny({ token });
        await tracker.saved();
        return isWritten;
      }),
    );
    expect(seen).toEqual([3, 3, 3]);
    await tracker.stop();
    processes = new Processes();
  });

  it.each([0, -3_600_000])(
    'includes the bytes of every session every five seconds, even if the clock is set (%i ms)',
    async (ms) => {
      const first = await begin();
      request(first, { token: 'a' }).end(10);
      processes.clock.advance(6_000);
      await first.saved();
      processes.clock.jump(ms);
      for (let n = 0; n < 3; n++) {
        request(first, { token: 'a' }).end(10);
        processes.clock.advance(5_500);
        await first.saved();
      }
      const second = await restart(first);
      expect(request(second, { token: 'a' }).session?.bytes).toBe(40);
    },
  );

  it('holds no token, and no name of a player', async () => {
    const first = await begin({ exposeTokens: true });
    const secrets = { token: 'token-0123456789', sid: 'sid-0123456789', playerSessionId: 'psid-0123456789' };
    request(first, { ...secrets, query: '?token=token-0123456789&x=1' });
    request(first, { ...secrets, sid: 'sid-later-6789' });
    first.deny({ token: 'denied-0123456789' });
    first.kick(must(live(first)[0]).id);
    request(first, { token: 'other-0123456789', ip: '203.0.113.9' });
    await first.saved();
    const { readFileSync } = await import('node:fs');
    const text = readFileSync(processes.path, 'utf8');
    expect(text).toContain('203.0.113.9');
    expect(text).not.toMatch(/0123456789|later-6789/);
  });
});
