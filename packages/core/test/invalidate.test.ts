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

  it('asks again about a stream, cuts sessions that are now refused, and forgets remembered refusals', async () => {
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

  it('asks with the credentials that the viewer brought', async () => {
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

describe('a policy that is new', () => {
  it('decides about sessions that already play, and may replace some', async () => {
    const { tracker, clock } = setup();
    const opened = ['a', 'b', 'c'].map((token) => {
      clock.advance(10);
      return must(request(tracker, { token }).session).id;
    });
    const one: Policy = {
      name: 'one at a time',
      admit: ({ session }, view) => ({
        allow: true,
        replace: () =>
          view
            .list({ status: 'active' })
            .filter(({ id, openedAt }) => id !== session?.id && openedAt <= (session?.openedAt ?? 0))
            .map(({ id }) => id),
      }),
    };
    tracker.updateConfig({ policies: [one] });
    expect(await tracker.invalidate()).toMatchObject({ closed: 2 });
    expect(opened.filter((id) => tracker.get(id)?.closedAt === undefined)).toHaveLength(1);
    expect(tracker.list({ status: 'closed' }).map(({ closeReason }) => closeReason)).toEqual(['replaced', 'replaced']);
  });
});

describe('a verdict on a credential that was renewed in the meantime', () => {
  it('ends no session', async () => {
    const answers: ((verdict: Verdict) => void)[] = [];
    let home = '';
    const policy: Policy = {
      name: 'p',
      admit: ({ again }) =>
        again ? new Promise((resolve) => answers.push(resolve)) : home ? { allow: true, continues: home } : yes,
      settled: (_, session) => void (home ||= session?.id ?? ''),
    };
    const { tracker } = setup({ policies: [policy] });
    request(tracker, { token: 'old' });
    const result = tracker.invalidate();
    request(tracker, { token: 'new' });
    answers[0]?.({ allow: false, reason: 'unauthorized' });
    expect(await result).toMatchObject({ kept: 1, closed: 0 });
    expect(live(tracker)).toHaveLength(1);
  });
});
