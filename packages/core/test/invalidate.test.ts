import type { Candidate, Policy, Verdict } from '../src/index.js';
import { live, mayRequest, must, request, setup } from './support/make.js';

const yes: Verdict = { allow: true };

describe('invalidate and reauthorize', () => {
  const judge = (): { policy: Policy; asked: Candidate[]; banned: Set<string> } => {
    const asked: Candidate[] = [];
    const banned = new Set<string>();
    const policy: Policy = {
      name: 'judge',
      stage: 'authorise',
      admit: (candidate) => {
        asked.push(candidate);
        const token = candidate.token ?? '';
        return banned.has(token) ? { allow: false, reason: 'unauthorized' } : { allow: true, userId: token };
      },
    };
    return { policy, asked, banned };
  };

  it('asks again about a stream, cuts who is refused now and lets remembered refusals go', async () => {
    const { policy, asked, banned } = judge();
    const { tracker } = setup({ policies: [policy] });
    for (const token of ['a', 'b']) request(tracker, { token });
    request(tracker, { token: 'c', stream: 'cam2' });
    banned.add('d');
    mayRequest(tracker, { token: 'd' });
    banned.add('a').delete('d');
    expect(await tracker.invalidate('cam1')).toEqual({ asked: 2, kept: 1, closed: 1, denialsLifted: 1 });
    expect(asked.slice(4).map(({ token, session }) => [token, session?.stream])).toEqual([
      ['a', 'cam1'],
      ['b', 'cam1'],
    ]);
    expect(
      live(tracker)
        .map(({ userName }) => userName)
        .sort(),
    ).toEqual(['b', 'c']);
    expect(mayRequest(tracker, { token: 'd' })).toBe(true);
    expect(mayRequest(tracker, { token: 'a' })).toBe(false);
  });

  it('asks again about everybody, or about several streams', async () => {
    const { policy } = judge();
    const { tracker } = setup({ policies: [policy] });
    for (const stream of ['cam1', 'cam2', 'cam3']) request(tracker, { token: 'a', stream });
    expect(await tracker.invalidate()).toMatchObject({ asked: 3, kept: 3 });
    expect(await tracker.invalidate(['cam1', 'cam3', 'nowhere'])).toMatchObject({ asked: 2, kept: 2, closed: 0 });
    expect(await tracker.invalidate([])).toMatchObject({ asked: 0 });
  });

  it('keeps an operator’s denials', async () => {
    const { tracker } = setup();
    tracker.deny({ stream: 'cam1' });
    await tracker.invalidate();
    expect(tracker.denials()).toHaveLength(1);
  });

  it('asks again about a user or a session', async () => {
    const { policy, banned } = judge();
    const { tracker } = setup({ policies: [policy] });
    const phone = must(request(tracker, { token: 'bob' }).session);
    request(tracker, { token: 'bob', stream: 'cam2' });
    request(tracker, { token: 'ann' });
    expect(await tracker.reauthorize({ session: phone.id })).toMatchObject({ asked: 1, kept: 1 });
    banned.add('bob');
    expect(await tracker.reauthorize({ user: 'bob' })).toMatchObject({ asked: 2, closed: 2 });
    expect(live(tracker).map(({ userName }) => userName)).toEqual(['ann']);
    expect(await tracker.reauthorize({ session: 'nobody' })).toMatchObject({ asked: 0 });
    await expect(tracker.reauthorize({})).rejects.toMatchObject({ code: 'ERR_EMPTY_FILTER' });
    await expect(tracker.reauthorize({ usr: 'x' } as object)).rejects.toMatchObject({ code: 'ERR_BAD_OPTION' });
  });

  it('asks with what the viewer came with', async () => {
    const { policy, asked } = judge();
    const { tracker } = setup({ policies: [policy] });
    const credentials = { scheme: 'bearer' as const, token: 'secret' };
    const over = { query: 'sig=1&token=a', url: '/cam1/x.m3u8?sig=1&token=a', token: 'a', credentials };
    request(tracker, over);
    await tracker.invalidate();
    expect(asked[1]).toMatchObject({ ...over, ip: '203.0.113.7', userAgent: 'player/1.0' });
    expect(JSON.stringify(tracker.list())).not.toContain('secret');
  });
});

describe('explain', () => {
  it('says which recipe matched, who named it, what each policy said and when, and what ends it', () => {
    const { tracker, clock } = setup({ maxLifetimeMs: 3_600_000, policies: [{ name: 'p', admit: () => yes }] });
    const { id } = must(request(tracker, { token: 'a' }).session);
    expect(tracker.explain(id)).toEqual({
      id,
      kind: 'viewer',
      namedBy: 'token',
      recipe: ['stream', 'ip', 'token'],
      policies: [{ policy: 'p', allowed: true, at: clock.now() }],
      idleAt: clock.now() + 30_000,
      maxLifetimeAt: clock.now() + 3_600_000,
    });
    tracker.kick(id, { reason: 'spam' });
    expect(tracker.explain(id)).toMatchObject({ closeReason: 'kicked', closeDetail: 'spam', closedAt: clock.now() });
    expect(tracker.explain('nobody')).toBeUndefined();
    expect(JSON.stringify(tracker.explain(id))).not.toContain('"a"');
  });
});
