import fc from 'fast-check';
import type { Candidate, HttpHit, Policy, Verdict } from '../src/index.js';
import { hit, letIn, live, mayRequest, must, request, setup } from './support/make.js';

/** How many sessions these hits of one address and stream make; and how they are named. */
function named(hits: Partial<HttpHit>[], aliases: boolean | 'admit' = true): string[] {
  const { tracker } = setup({ identity: { aliases } });
  for (const over of hits) tracker.trackHttp(hit(over));
  return live(tracker)
    .map(({ namedBy }) => namedBy)
    .sort();
}

describe('names', () => {
  it.each<[Partial<HttpHit>, string]>([
    [{ token: 't', sid: 's', playerSessionId: 'p' }, 'token'],
    [{ sid: 's', playerSessionId: 'p' }, 'cmcd'],
    [{ playerSessionId: 'p' }, 'playback-session'],
    [{}, 'fingerprint'],
    [{ token: '', sid: '', playerSessionId: '' }, 'fingerprint'],
  ])('%j is named by its %s', (over, namedBy) => {
    const { tracker } = setup();
    const session = must(tracker.trackHttp(hit(over)));
    expect(session.namedBy).toBe(namedBy);
    const sidName = over.sid && !over.token ? over.sid : undefined;
    expect(session.userName).toBe(session.tokenFingerprint ?? sidName ?? session.id.slice(0, 8));
    expect(session.userName).not.toBe('');
    tracker.trackHttp(hit({ ...over, bytes: 1 }));
    expect(live(tracker)).toHaveLength(1);
  });

  it('of one kind never match those of another kind', () => {
    expect(
      named([{ token: 'x' }, { sid: 'x', userAgent: 'b' }, { playerSessionId: 'x', userAgent: 'c' }]),
    ).toHaveLength(3);
  });

  it('longer than 256 characters are ignored', () => {
    expect(named([{ sid: 'x'.repeat(257) }])).toEqual(['fingerprint']);
  });
});

describe('aliases', () => {
  it.each<[string, Partial<HttpHit>[], string[]]>([
    ['segments without the playlist’s token', [{ token: 't' }, {}, {}, {}], ['token']],
    ['segments that keep the sid but not the token', [{ token: 't', sid: 's' }, { sid: 's' }], ['token']],
    ['a sid only from the second request on', [{}, { sid: 's' }, { sid: 's' }, {}], ['cmcd']],
    [
      'a token on the playlist and a sid from the second on',
      [{ token: 't' }, { sid: 's' }, { sid: 's' }, {}],
      ['token'],
    ],
    ['a playback session, then none', [{ playerSessionId: 'p' }, {}], ['playback-session']],
    ['two players with tokens', [{ token: 't' }, { token: 'u' }], ['token', 'token']],
    ['two players with sids', [{ sid: 's' }, { sid: 'r' }], ['cmcd', 'cmcd']],
    ['a nameless hit that two could have sent', [{ token: 't' }, { token: 'u' }, {}], ['token', 'token']],
    ['a sid on segments only', [{}, {}, { sid: 's' }, {}, { sid: 's' }, {}], ['cmcd']],
    [
      'a sid on segments only, of two',
      [{}, {}, {}, { sid: 's' }, { sid: 'r' }, {}, { sid: 's' }, {}],
      ['cmcd', 'cmcd'],
    ],
    ['a playback session on segments only', [{}, {}, { playerSessionId: 'p' }, {}], ['playback-session']],
    ['a sid late, beside a playback session', [{ playerSessionId: 'p' }, { sid: 's', playerSessionId: 'p' }], ['cmcd']],
    [
      'a sid late, beside one of two playback sessions',
      [{ playerSessionId: 'p' }, { playerSessionId: 'q' }, { sid: 's', playerSessionId: 'p' }, { sid: 's' }],
      ['cmcd', 'playback-session'],
    ],
    [
      'a sid first, then a token',
      [{ sid: 's' }, { sid: 's' }, { token: 't', sid: 's' }, { token: 't' }, {}],
      ['token'],
    ],
    ['a token late for one of two', [{ sid: 's' }, { sid: 'r' }, { token: 't', sid: 's' }], ['cmcd', 'token']],
    ['a token and a sid that never come together', [{}, { token: 't' }, {}, { sid: 's' }, { token: 't' }], ['token']],
    ['a sid that one of two could have', [{ token: 't', sid: 'r' }, { token: 'u' }, { sid: 's' }], ['token', 'token']],
    ['a sid that two could have', [{ token: 't' }, { token: 'u' }, { sid: 's' }], ['cmcd', 'token', 'token']],
    [
      'the sid of somebody with another token',
      [
        { token: 't', sid: 's' },
        { token: 'u', sid: 's' },
      ],
      ['token', 'token'],
    ],
    ['a sid of another player', [{}, { sid: 's', userAgent: 'other' }], ['cmcd', 'fingerprint']],
    ['a sid that comes by DASH', [{}, { sid: 's' }, { protocol: 'dash' }, { sid: 's', protocol: 'dash' }], ['cmcd']],
    ['a nameless hit of another player', [{ token: 't' }, { userAgent: 'other' }], ['fingerprint', 'token']],
    ['a sid that is not the session’s', [{ sid: 's' }, { sid: 's' }, { sid: 'r' }], ['cmcd', 'cmcd']],
    ['a token that comes late', [{}, {}, { token: 't' }, {}], ['token']],
  ])('%s', (_, hits, names) => expect(named(hits)).toEqual(names));

  it('never match another stream, address or kind', () => {
    expect(named([{ token: 't' }, { stream: 'cam2' }])).toHaveLength(2);
    expect(named([{ token: 't' }, { ip: '10.0.0.1' }])).toHaveLength(2);
    expect(named([{ token: 't' }, { kind: 'input' }])).toHaveLength(2);
  });

  it('can be switched off', () => {
    expect(named([{ token: 't' }, {}], false)).toHaveLength(2);
    expect(named([{}, { sid: 's' }], false)).toHaveLength(2);
  });

  it('find the remaining session when the others have closed', () => {
    const { tracker } = setup();
    const [a, b] = ['a', 'b'].map((token) => must(tracker.trackHttp(hit({ token }))));
    tracker.kick(must(a).id, { denyForMs: 0 });
    expect(tracker.trackHttp(hit())?.id).toBe(b?.id);
    expect(live(tracker)).toHaveLength(1);
  });

  it('forget closed sessions: of three with one name, the last one keeps it', () => {
    const { tracker } = setup();
    const names = [{ token: 'a', sid: 's' }, { token: 'b', sid: 's' }, { token: 'c' }];
    const [a, b] = names.map((over) => must(tracker.trackHttp(hit(over))));
    tracker.kick(must(a).id, { denyForMs: 0 });
    expect(tracker.trackHttp(hit({ sid: 's' }))?.id).toBe(b?.id);
    expect(live(tracker)).toHaveLength(2);
  });

  it('keep the latest sixteen names, and always the current one', () => {
    const { tracker } = setup({ identity: { viewer: ['stream', 'ip', 'token'] } });
    const { id } = must(tracker.trackHttp(hit({ token: 't', sid: 's0' })));
    for (let i = 1; i < 100; i++)
      tracker.trackHttp(hit({ token: 't', sid: `s${i}`, userAgent: `ua${i % 3}`, playerSessionId: `p${i}` }));
    expect(tracker.trackHttp(hit({ sid: 's99', userAgent: 'x' }))?.id).toBe(id);
    expect(tracker.trackHttp(hit({ playerSessionId: 'p99', userAgent: 'x' }))?.id).toBe(id);
    expect(tracker.trackHttp(hit({ sid: 's1', userAgent: 'y' }))?.id).not.toBe(id);
  });

  it('still find every viewer behind one address after a crowd has come and gone', () => {
    const { tracker, clock } = setup();
    for (let round = 0; round < 3; round++) {
      for (let i = 0; i < 50; i++) tracker.trackHttp(hit({ sid: `s${i}` }));
      expect(live(tracker)).toHaveLength(50);
      clock.advance(40_000);
      expect(live(tracker)).toHaveLength(0);
    }
    tracker.trackHttp(hit({ token: 't' }));
    tracker.trackHttp(hit());
    expect(live(tracker)).toHaveLength(1);
  });

  it('count a nameless hit for the session that was active last, so that none is kept alive after its viewer has left', () => {
    const { tracker, clock } = setup();
    const [first, second] = [{ sid: 's' }, { sid: 'r' }].map((over) => must(tracker.trackHttp(hit(over))));
    for (let i = 0; i < 10; i++) {
      clock.advance(4_000);
      expect(tracker.trackHttp(hit({ sid: 's' }))?.id).toBe(first?.id);
      expect(tracker.trackHttp(hit())?.id).toBe(first?.id);
    }
    expect(tracker.get(must(second).id)?.closeReason).toBe('idle');
    expect(live(tracker)).toHaveLength(1);
  });

  it('stay quick with thousands of equal players behind one address, and keep none of them alive', () => {
    const { tracker, clock } = setup();
    const everybody = Array.from({ length: 3_000 }, (_, i) => ({ sid: `s${i}` }));
    for (const over of everybody) tracker.trackHttp(hit(over));
    const rest = everybody.slice(2_980);
    // those who are looked at have all gone: one of them may stay until the others have been closed
    for (let i = 0; i < 20; i++) {
      clock.advance(4_000);
      for (const over of rest) tracker.trackHttp(hit(over));
      for (const over of rest) tracker.trackHttp(hit({ ...over, sid: undefined }));
    }
    expect(live(tracker)).toHaveLength(20);
  });

  it.each([1, 2, 5])('yield %i sessions for as many players, whatever names they leave out', (count) => {
    const request = fc.record({ player: fc.nat(count - 1), named: fc.boolean() });
    fc.assert(
      fc.property(
        fc.array(request, { maxLength: 40 }),
        fc.constantFrom('sid', 'token', 'playerSessionId'),
        (all, kind) => {
          const { tracker, clock } = setup({ maxSessionsPerIp: count });
          const heard = new Set<number>();
          for (const { player, named } of all) {
            clock.advance(10);
            if (named) heard.add(player);
            expect(tracker.trackHttp(hit(named ? { [kind]: `name${player}` } : {}))).not.toBeNull();
            expect(live(tracker)).toHaveLength(Math.max(1, heard.size));
          }
        },
      ),
    );
  });

  it('recognise one player as one viewer, whichever names it sends with which request', () => {
    const names = fc.record(
      {
        token: fc.constant('t'),
        sid: fc.constant('s'),
        playerSessionId: fc.constant('p'),
        protocol: fc.constant('dash'),
      },
      { requiredKeys: [] },
    );
    fc.assert(
      fc.property(fc.array(fc.tuple(names, fc.boolean()), { minLength: 1, maxLength: 12 }), (all) => {
        const { tracker } = setup({ maxSessionsPerIp: 1, onOverload: 'deny' });
        const ids = all.map(([over, asks]) =>
          asks ? request(tracker, over).session?.id : tracker.trackHttp(hit(over))?.id,
        );
        expect(new Set(ids)).toEqual(new Set([live(tracker)[0]?.id]));
        const best = all.some(([{ token }]) => token) ? 'token' : all.some(([{ sid }]) => sid) ? 'cmcd' : undefined;
        if (best !== undefined) expect(live(tracker)).toMatchObject([{ namedBy: best }]);
      }),
    );
  });

  it('do not let a late name get around a kick', () => {
    const { tracker } = setup();
    const neighbour = must(tracker.trackHttp(hit()));
    const kicked = must(tracker.trackHttp(hit({ token: 't', sid: 's', userAgent: 'other' })));
    tracker.trackHttp(hit({ token: 't', sid: 's' }));
    tracker.kick(kicked.id);
    for (const over of [{ sid: 's' }, { token: 't' }, { sid: 'new' }]) {
      expect(tracker.trackHttp(hit(over))).toBeNull();
      expect(mayRequest(tracker, over)).toBe(false);
    }
    expect(live(tracker)).toMatchObject([{ id: neighbour.id, namedBy: 'fingerprint' }]);
    expect(tracker.trackHttp(hit())?.id).toBe(neighbour.id);
  });

  it('ask no policy about a late sid, and once about a late token', () => {
    const asked: string[] = [];
    const admit = ({ token, session }: Candidate): Verdict => {
      asked.push(`${token} ${session?.namedBy}`);
      return token === 'bad' ? { allow: false, reason: 'unauthorized' } : { allow: true };
    };
    const { tracker } = setup({ policies: [{ name: 'ear', admit }] });
    const { id } = must(request(tracker).session);
    for (const sid of ['s', 's', undefined]) expect(request(tracker, { sid }).session?.id).toBe(id);
    expect(mayRequest(tracker, { token: 'bad' })).toBe(false);
    expect(tracker.get(id)).toMatchObject({ namedBy: 'cmcd' });
    for (const token of ['t', 't']) expect(request(tracker, { token }).session?.id).toBe(id);
    expect(tracker.get(id)).toMatchObject({ namedBy: 'token', tokenFingerprint: expect.any(String) });
    expect(request(tracker, { token: 't', sid: 's' }).session?.id).toBe(id);
    expect(asked).toEqual(['undefined undefined', 'bad cmcd', 't cmcd']);
  });

  it.each([
    ['that is slow', async (verdict: Verdict) => verdict],
    ['that is not', (verdict: Verdict) => verdict],
  ])('admit one viewer under a limit of one, whatever name each request has, with a policy %s', async (_, answer) => {
    const limit = concurrency(1);
    const { tracker } = setup({ policies: [{ name: 'slow', admit: async () => answer({ allow: true }) }, limit] });
    const ask = async (over: Partial<HttpHit>): Promise<boolean> => (await tracker.admit(hit(over))).admitted;
    for (const over of [{}, {}, { sid: 's' }, {}, { sid: 's' }, { token: 't' }, {}]) expect(await ask(over)).toBe(true);
    expect(await ask({ sid: 'r' })).toBe(false);
    expect(live(tracker)).toHaveLength(1);
  });

  it('find the session that opened while a slow policy was thinking about the other name', async () => {
    const { tracker } = setup({ policies: [{ name: 'slow', admit: async () => ({ allow: true }) }] });
    const all = [{}, { sid: 's' }, { token: 't' }, {}].map(async (over) => await tracker.admit(hit(over)));
    const ids = (await Promise.all(all)).map((admission) => letIn(admission).session?.id);
    expect(new Set(ids).size).toBe(1);
    expect(live(tracker)).toMatchObject([{ namedBy: 'token' }]);
  });
});

/** At most so many sessions per address. */
function concurrency(max: number): Policy {
  return {
    name: 'concurrency',
    stage: 'concurrency',
    admit: ({ ip, session }, view) =>
      session === undefined && view.count({ ip, status: 'active' }) >= max
        ? { allow: false, reason: 'limit', kind: 'limit' }
        : { allow: true },
  };
}
