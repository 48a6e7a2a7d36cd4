import {
  createTracker,
  type PlaySession,
  type Policy,
  type SessionTracker,
  type TrackerOptions,
  type Verdict,
} from '../src/index.js';
import { clusterPort, type FoundVisit, type VisitIdentity } from '../src/spi.js';
import { joined, Told, type Joined } from './support/directory.js';
import {
  conn,
  connect,
  eventsOf,
  hit,
  letIn,
  live,
  now,
  pending,
  refusal,
  request,
  settleAll,
  setup,
  type Setup,
} from './support/make.js';

/** A visit that began elsewhere, so long ago. */
const elsewhere =
  (clock: Setup['clock'], over: Partial<FoundVisit> = {}): Told['answer'] =>
  async () => ({ id: 'feedfacefeedface', openedAt: clock.now() - 60_000, found: 'name', names: [], ...over });

const admitted = async (tracker: SessionTracker, over: object = {}) => letIn(await pending(tracker.admit(hit(over))));

const NO: Verdict = { allow: false, reason: 'test' };

describe('a newcomer that another node of the cluster may know', () => {
  it('continues its visit, with the same id and beginning, and is not reported as new', async () => {
    const { tracker, clock, directory } = joined();
    directory.answer = elsewhere(clock);
    const opened = eventsOf(tracker, 'opened');
    const resumed = eventsOf(tracker, 'resumed');
    const handle = await admitted(tracker, { token: 'secret' });
    expect(handle.session).toMatchObject({
      id: 'feedfacefeedface',
      openedAt: clock.now() - 60_000,
      updatedAt: clock.now(),
      durationMs: 60_000,
    });
    expect(opened).toEqual([]);
    expect(resumed).toHaveLength(1);
    expect(tracker.stats()).toMatchObject({ active: 1, openedTotal: 0, resumedTotal: 1 });
    // and from now on it is known here
    request(tracker, { token: 'secret' });
    expect(directory.asked).toHaveLength(1);
    expect(directory.changes).toEqual(['feedfacefeedface']);
  });

  it('is asked about by hashes alone, the best name first', async () => {
    const { tracker, directory } = joined();
    await admitted(tracker, { token: 'secret', sid: 'its-sid' });
    const [asked] = directory.asked;
    expect(asked).toMatchObject({ kind: 'viewer', stream: 'cam1' });
    expect(asked?.names.map(([kind]) => kind)).toEqual(['token', 'cmcd', 'fingerprint']);
    expect(JSON.stringify(asked)).not.toMatch(/secret|its-sid|203\.0\.113|player/);
  });

  it('that is already waiting is asked about once, however many requests it sends', () => {
    const { tracker, directory } = joined();
    directory.answer = () => new Promise(() => undefined);
    for (const sid of ['a', 'a', 'a', 'b']) void tracker.admit(hit({ sid }));
    expect(directory.asked).toHaveLength(2);
  });

  it('that leaves before the answer opens no session', async () => {
    const { tracker } = joined();
    const waits = pending(tracker.admit(hit()));
    waits.cancel();
    expect((await waits).admitted).toBe(false);
    expect(live(tracker)).toEqual([]);
  });

  it.each<[string, TrackerOptions, boolean]>([
    ['it has opened', {}, true],
    ['it was refused', { policies: [{ name: 'no', stage: 'authorise', admit: async () => NO }] }, false],
  ])('is reported as settled when %s', async (_, options, isLive) => {
    const { tracker, directory } = joined(options);
    const waits = pending(tracker.admit(hit()));
    expect(directory.over).toEqual([]);
    await waits;
    await settleAll();
    expect(directory.over).toEqual([directory.asked[0]?.id]);
    expect(live(tracker)).toHaveLength(isLive ? 1 : 0);
  });

  it('is reported as settled if it left before the answer came', async () => {
    const { tracker, directory } = joined();
    const waits = pending(tracker.admit(hit()));
    waits.cancel();
    await waits;
    await settleAll();
    expect(directory.over).toHaveLength(1);
  });

  it('opens once for all requests that waited', async () => {
    const { tracker } = joined();
    const all = [1, 2, 3].map(() => pending(tracker.admit(hit({ sid: 'a' }))));
    const ids = (await Promise.all(all)).map((admission) => letIn(admission).session?.id);
    expect(new Set(ids).size).toBe(1);
    expect(live(tracker)).toHaveLength(1);
    expect(tracker.stats()).toMatchObject({ openedTotal: 1 });
  });

  it('that is live here under another name joins it, and is found by that name from then on', async () => {
    const { tracker, directory } = joined();
    const { session } = await admitted(tracker, { token: 'a' });
    directory.answer = async () => ({ id: session?.id ?? '', openedAt: 0, found: 'name', names: [] });
    const again = await admitted(tracker, { token: 'renewed' });
    expect(again.session?.id).toBe(session?.id);
    request(tracker, { token: 'renewed' });
    expect(directory.asked).toHaveLength(2);
    expect(live(tracker)).toHaveLength(1);
  });

  it('is not given to a session here without a name if the cluster says it is another viewer', async () => {
    const { tracker, clock, directory } = joined();
    const { session } = await admitted(tracker);
    directory.answer = elsewhere(clock);
    const other = await admitted(tracker, { sid: 'of-another' });
    expect(other.session?.id).not.toBe(session?.id);
    expect(live(tracker)).toHaveLength(2);
  });

  it.each<[string, TrackerOptions, string[]]>([
    ['where names do not count', { identity: { viewer: ['stream', 'ip'] } }, []],
    ['where nobody is found by other names', { identity: { aliases: false } }, ['token']],
    ['where the address does not count', { identity: { viewer: ['stream', 'token'] } }, ['token']],
  ])('is looked up by fewer names %s', async (_, options, kinds) => {
    const { tracker, directory } = joined(options);
    const { session } = await admitted(tracker, { token: 'a', sid: 'b' });
    expect(directory.asked[0]?.names.map(([kind]) => kind)).toEqual(kinds);
    const { place, names } = directory.asked[0] as VisitIdentity;
    expect(clusterPort(tracker).part(session?.id ?? '')).toMatchObject({ place, names });
  });

  it('is not asked about if it is a connection that is a session by itself', () => {
    const { tracker, directory } = joined();
    const { id } = connect(tracker).session ?? { id: '' };
    expect(directory.asked).toEqual([]);
    expect(directory.changes).toEqual([id]);
  });

  it('does not wait if its visit is only recorded: it opens at once, and can be renamed', () => {
    const { tracker, clock, directory } = joined();
    const session = tracker.trackHttp(hit({ sid: 'a', bytes: 100 }));
    expect(directory.asked).toEqual([]);
    expect(directory.changes).toEqual([session?.id]);
    const closed = eventsOf(tracker, 'closed');
    const resumed = eventsOf(tracker, 'resumed');
    const as = { id: 'feedfacefeedface', openedAt: clock.now() - 5_000 };
    expect(clusterPort(tracker).rename(session?.id ?? '', as)).toBe(true);
    expect(closed).toMatchObject([{ reason: 'renamed', session: { id: session?.id } }]);
    expect(resumed).toMatchObject([{ session: as, viewers: 1 }]);
    expect(live(tracker)).toMatchObject([{ ...as, bytes: 100, connections: 0 }]);
    expect(tracker.get(session?.id ?? '')).toBeUndefined();
    expect(tracker.trackHttp(hit({ sid: 'a', bytes: 1 }))).toMatchObject({ ...as, bytes: 101 });
    expect(tracker.list({ stream: 'cam1' })).toHaveLength(1);
    expect(tracker.streams()).toMatchObject([{ viewers: 1, bytes: 101 }]);
  });

  it('is listed in the order of the cluster after it was renamed', async () => {
    const { tracker, clock } = joined();
    const ids = ['a', 'b', 'c'].map((sid) => {
      clock.advance(1000);
      return tracker.trackHttp(hit({ sid }))?.id ?? '';
    });
    clusterPort(tracker).rename(ids[2] as string, { id: 'oldest', openedAt: clock.now() - 10_000 });
    expect(tracker.list({ stream: 'cam1' }).map(({ id }) => id)).toEqual(['oldest', ids[0], ids[1]]);
    expect(tracker.list().map(({ id }) => id)).toEqual(['oldest', ids[0], ids[1]]);
    expect(clusterPort(tracker).rename('oldest', { id: ids[0] as string, openedAt: 1 })).toBe(false);
  });
});

describe('a cluster that does not answer', () => {
  it('is waited for no longer than the limit; then the tracker acts like a single node', async () => {
    const { tracker, clock, directory } = joined();
    directory.answer = () => new Promise(() => undefined);
    let answered = false;
    const waits = pending(tracker.admit(hit({ sid: 'a' })));
    void waits.then(() => (answered = true));
    clock.advance(249);
    for (let i = 0; i < 20; i++) await Promise.resolve();
    expect(answered).toBe(false);
    clock.advance(1);
    expect(letIn(await waits).session).toMatchObject({ openedAt: clock.now() });
  });

  it.each(['rejects', 'is alone'])('that %s keeps nobody waiting', async (how) => {
    const { tracker, directory } = joined();
    if (how === 'is alone') {
      directory.isAlone = true;
      expect(request(tracker).session).toBeDefined();
    } else {
      directory.answer = () => Promise.reject(new Error('gone'));
      expect((await admitted(tracker)).session).toBeDefined();
    }
  });

  it('refuses newcomers if configured, but no known viewer', async () => {
    const { tracker, directory } = joined();
    await admitted(tracker, { sid: 'known' });
    directory.isAlone = true;
    directory.whenAlone = 'refuse';
    expect(refusal(now(tracker.admit(hit({ sid: 'new' }))))).toMatchObject({ kind: 'overload' });
    expect(refusal(now(tracker.admit(conn())))).toMatchObject({ kind: 'overload' });
    request(tracker, { sid: 'known' });
    directory.isAlone = false;
    expect(connect(tracker).session).toBeDefined();
  });
});

describe('the part of a visit on one node', () => {
  it.each(['client_gone', 'transport_error', 'stalled', 'idle'])('is released when it ends as %s', (reason) => {
    const { tracker, directory, clock } = joined();
    const handle = connect(tracker, { token: 'a' });
    handle.touch(500);
    clock.advance(1000);
    handle.close(reason, 20);
    expect(directory.parts).toMatchObject([{ reason, isOver: false, part: { bytes: 520, stream: 'cam1' } }]);
    expect(tracker.list({ status: 'closed' })).toEqual([]);
    expect(tracker.stats()).toMatchObject({ active: 0, closedTotal: 1 });
  });

  it('that a policy, an operator or its lifetime ends also ends the visit', () => {
    const { tracker, directory, clock } = joined({ maxLifetimeMs: 10_000 });
    const kicked = connect(tracker, { token: 'a' }).session?.id ?? '';
    tracker.kick(kicked);
    connect(tracker, { token: 'b', remoteAddress: '203.0.113.9:1' });
    clock.advance(11_000);
    expect(directory.parts.map(({ reason, isOver }) => [reason, isOver])).toEqual([
      ['kicked', true],
      ['max_lifetime', true],
    ]);
    expect(tracker.list({ status: 'closed' })).toHaveLength(2);
  });

  it('closes, and its transport is cut, when its visit has ended elsewhere', () => {
    const { tracker, directory } = joined();
    const handle = connect(tracker);
    const { id, openedAt } = handle.session as { id: string; openedAt: number };
    let cut: string | undefined;
    handle.onCut((reason) => void (cut = reason));
    const port = clusterPort(tracker);
    expect(port.end(id, openedAt - 1, 'kicked')).toBe(false);
    expect(port.end(id, openedAt, 'kicked', 'by the other node')).toBe(true);
    expect(cut).toBe('kicked');
    expect(directory.parts).toMatchObject([{ isOver: true }]);
    expect(port.end(id, openedAt, 'kicked')).toBe(false);
  });

  it('can be read with its names and its byte counts', async () => {
    const { tracker } = joined();
    const handle = await admitted(tracker, { token: 'secret', sid: 'its-sid' });
    handle.touch(42);
    const port = clusterPort(tracker);
    const [id] = port.ids();
    const part = port.part(id ?? '');
    expect(part).toMatchObject({ id, stream: 'cam1', kind: 'viewer', bytes: 42, bytesReceived: 0 });
    expect(part?.names.map(([kind]) => kind)).toEqual(['token', 'cmcd', 'fingerprint']);
    expect(port.part('nobody')).toBeUndefined();
  });

  it('is listed as closed when it was the last of its visit', () => {
    const { tracker, directory } = joined();
    const rows: PlaySession[] = [];
    directory.left = (_part, row) => void rows.push(row);
    connect(tracker).close();
    clusterPort(tracker).retire({ ...(rows[0] as PlaySession), bytes: 900 });
    expect(tracker.list({ status: 'closed' })).toMatchObject([{ closeReason: 'client_gone', bytes: 900 }]);
  });

  it('is not reported before anything was served to it', async () => {
    const { tracker, directory } = joined();
    const handle = await admitted(tracker, { tentative: true });
    const port = clusterPort(tracker);
    expect([port.ids(), directory.changes]).toEqual([[], []]);
    handle.served();
    expect(directory.changes).toEqual(port.ids());
  });

  it('is reported again when its names change', async () => {
    const { tracker, directory } = joined();
    await admitted(tracker, { token: 'a' });
    directory.changes.length = 0;
    request(tracker, { token: 'a' });
    expect(directory.changes).toEqual([]);
    request(tracker, { token: 'a', sid: 'late' });
    expect(directory.changes).toHaveLength(1);
  });
});

describe('an approval by a policy on another node', () => {
  const byToken: Policy = {
    name: 'tokens',
    stage: 'authorise',
    admit: ({ token }) => (token === 'good' ? { allow: true } : { allow: false, reason: 'unauthorized' }),
  };

  it('admits a viewer that has dropped its token, for as long as a single node would', async () => {
    const { tracker, clock, directory } = joined({ policies: [byToken], identity: { aliases: 'admit' } });
    directory.answer = elsewhere(clock, {
      found: 'alias',
      allowedUntil: clock.now() + 5_000,
      names: [['token', 'hash-of-its-token']],
    });
    await admitted(tracker);
    clock.advance(4_000);
    request(tracker);
    clock.advance(2_000);
    expect(refusal(now(tracker.admit(hit())))).toMatchObject({ reason: 'unauthorized' });
  });

  it.each<[string, object, Partial<FoundVisit>]>([
    ['without aliases: "admit"', { aliases: true }, { found: 'alias' }],
    ['of a new viewer', { aliases: 'admit' }, { found: 'new' }],
    ['that has ended', { aliases: 'admit' }, { found: 'alias', allowedUntil: 1 }],
    ['that was never given', { aliases: 'admit' }, { found: 'alias', allowedUntil: undefined }],
  ])('admits nobody %s', async (_, identity, found) => {
    const { tracker, clock, directory } = joined({ policies: [byToken], identity });
    directory.answer = elsewhere(clock, { allowedUntil: clock.now() + 5_000, ...found });
    expect(refusal(await pending(tracker.admit(hit())))).toMatchObject({ reason: 'unauthorized' });
  });
});

describe('an operator’s denial', () => {
  const two = (): [Joined, Joined] => [joined(), joined()];

  it('reaches another node unchanged, and is lifted there by its id', async () => {
    const [one, other] = two();
    const denial = one.tracker.deny({ token: 'bad' }, { forMs: 60_000 });
    expect(JSON.stringify(one.directory.denials)).not.toContain('"bad"');
    const port = clusterPort(other.tracker);
    const { session } = await admitted(other.tracker, { token: 'bad' });
    port.take(one.directory.denials);
    await port.enforce(one.directory.denials.map(({ id }) => id));
    expect(live(other.tracker)).toEqual([]);
    expect(other.directory.parts).toMatchObject([{ reason: 'denied', isOver: true, part: { id: session?.id } }]);
    expect(other.directory.denials).toEqual([]);
    expect(refusal(await pending(other.tracker.admit(hit({ token: 'bad' })))).id).toBe(denial.id);
    expect(one.tracker.liftDenial(denial.id)).toBe(true);
    expect(one.directory.lifts).toEqual([denial.id]);
    expect(port.lift(denial.id)).toBe(true);
    expect(other.directory.lifts).toEqual([]);
    await admitted(other.tracker, { token: 'bad' });
  });

  it('keeps out a kicked viewer, but nobody who was already watching on any node', async () => {
    const [one, other] = two();
    const kicked = await admitted(one.tracker, { token: 'a' });
    other.clock.advance(1000);
    one.clock.advance(1000);
    one.tracker.kick(kicked.session?.id ?? '');
    clusterPort(other.tracker).take(one.directory.denials);
    const opened = other.clock.now();
    const comes = async (openedAt: number, over: object = {}) => {
      other.directory.answer = async () => ({
        id: 'neighbour',
        openedAt,
        found: 'name',
        names: [['token', 'x']],
        ...over,
      });
      return pending(other.tracker.admit(hit({ token: 'neighbour' })));
    };
    expect((await comes(opened, { found: 'new' })).admitted).toBe(false);
    other.clock.advance(1);
    expect((await comes(opened + 1)).admitted).toBe(false);
    expect((await comes(opened - 1)).admitted).toBe(true);
  });
});

describe('the configuration that must be equal on all nodes', () => {
  const identityOf = (options: TrackerOptions): Record<string, string> => ({
    ...clusterPort(createTracker(options)).identity,
  });
  const usual = identityOf({});

  it.each<[string, TrackerOptions]>([
    ['identity.viewer', { identity: { viewer: ['stream', 'token'] } }],
    ['identity.input', { identity: { input: ['stream'] } }],
    ['identity.ipv6PrefixLength', { identity: { ipv6PrefixLength: 56 } }],
    ['identity.aliases', { identity: { aliases: 'admit' } }],
    ['identity.mergeConnections', { identity: { mergeConnections: true } }],
    ['idleTimeoutMs', { idleTimeoutMs: { hls: 10_000 } }],
  ])('differs only in %s if only that option differs', (name, options) => {
    const other = identityOf(options);
    expect(Object.keys(usual).filter((key) => usual[key] !== other[key])).toEqual([name]);
  });

  it('is the same however the options are written', () => {
    expect(identityOf({ identity: { viewer: ['token', 'ip', 'stream'] } })).toEqual(usual);
    expect(identityOf({ idleTimeoutMs: { hls: 1, dash: 2 } })).toEqual(
      identityOf({ idleTimeoutMs: { dash: 2, hls: 1 } }),
    );
  });

  it('has a key id if the tracker has a fingerprint key', () => {
    const keyId = (options: TrackerOptions) => clusterPort(createTracker(options)).keyId;
    expect(keyId({})).toBeUndefined();
    expect(keyId({ fingerprintKey: 'a' })).toBe(keyId({ fingerprintKey: 'a' }));
    expect(keyId({ fingerprintKey: 'a' })).not.toBe(keyId({ fingerprintKey: 'b' }));
  });
});

it('clusterPort() rejects what is not a tracker', () => {
  expect(() => clusterPort({} as SessionTracker)).toThrow(expect.objectContaining({ code: 'ERR_BAD_OPTION' }));
});

it('a directory that has left is told nothing more', () => {
  const { tracker } = setup();
  const directory = new Told();
  const leave = clusterPort(tracker).join(directory);
  leave();
  request(tracker);
  tracker.deny({ user: 'x' });
  expect([directory.asked, directory.changes, directory.denials]).toEqual([[], [], []]);
});
