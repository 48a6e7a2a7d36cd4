import type { HttpHit } from '../src/index.js';
import { hit, live, must, setup } from './support/make.js';

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

  it('of one kind are not those of another', () => {
    expect(
      named([{ token: 'x' }, { sid: 'x', userAgent: 'b' }, { playerSessionId: 'x', userAgent: 'c' }]),
    ).toHaveLength(3);
  });

  it('longer than 256 characters are none', () => {
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
    [
      'a nameless hit that two could have sent',
      [{ token: 't' }, { token: 'u' }, {}],
      ['fingerprint', 'token', 'token'],
    ],
    ['a nameless hit of another player', [{ token: 't' }, { userAgent: 'other' }], ['fingerprint', 'token']],
    ['a sid that is not the session’s', [{ sid: 's' }, { sid: 's' }, { sid: 'r' }], ['cmcd', 'cmcd']],
    ['a token that comes late', [{}, {}, { token: 't' }], ['fingerprint', 'token']],
  ])('%s', (_, hits, names) => expect(named(hits)).toEqual(names));

  it('never reach over to another stream, address or kind', () => {
    expect(named([{ token: 't' }, { stream: 'cam2' }])).toHaveLength(2);
    expect(named([{ token: 't' }, { ip: '10.0.0.1' }])).toHaveLength(2);
    expect(named([{ token: 't' }, { kind: 'input' }])).toHaveLength(2);
  });

  it('are off on request', () => {
    expect(named([{ token: 't' }, {}], false)).toHaveLength(2);
    expect(named([{}, { sid: 's' }], false)).toHaveLength(2);
  });

  it('find the one that is left when others have gone', () => {
    const { tracker } = setup();
    const [a, b] = ['a', 'b'].map((token) => must(tracker.trackHttp(hit({ token }))));
    tracker.kick(must(a).id, { denyForMs: 0 });
    expect(tracker.trackHttp(hit())?.id).toBe(b?.id);
    expect(live(tracker)).toHaveLength(1);
  });

  it('forget who has gone: of three, one is left with that name', () => {
    const { tracker } = setup();
    const names = [{ token: 'a', sid: 's' }, { token: 'b', sid: 's' }, { token: 'c' }];
    const [a, b] = names.map((over) => must(tracker.trackHttp(hit(over))));
    tracker.kick(must(a).id, { denyForMs: 0 });
    expect(tracker.trackHttp(hit({ sid: 's' }))?.id).toBe(b?.id);
    expect(live(tracker)).toHaveLength(2);
  });

  it('keep the latest sixteen names and no more, the present one always', () => {
    const { tracker } = setup({ identity: { viewer: ['stream', 'ip', 'token'] } });
    const { id } = must(tracker.trackHttp(hit({ token: 't', sid: 's0' })));
    for (let i = 1; i < 100; i++)
      tracker.trackHttp(hit({ token: 't', sid: `s${i}`, userAgent: `ua${i % 3}`, playerSessionId: `p${i}` }));
    expect(tracker.trackHttp(hit({ sid: 's99', userAgent: 'x' }))?.id).toBe(id);
    expect(tracker.trackHttp(hit({ playerSessionId: 'p99', userAgent: 'x' }))?.id).toBe(id);
    expect(tracker.trackHttp(hit({ sid: 's1', userAgent: 'y' }))?.id).not.toBe(id);
  });

  it('give every viewer behind one address his own again after a crowd has come and gone', () => {
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

  it('leave two nameless viewers and an adopted one apart', () => {
    const { tracker } = setup();
    const first = must(tracker.trackHttp(hit()));
    expect(tracker.trackHttp(hit({ sid: 's' }))?.id).toBe(first.id);
    tracker.trackHttp(hit({ sid: 'r' }));
    const third = must(tracker.trackHttp(hit()));
    expect(third.id).not.toBe(first.id);
    expect(tracker.trackHttp(hit())?.id).toBe(third.id);
    expect(
      live(tracker)
        .map(({ namedBy }) => namedBy)
        .sort(),
    ).toEqual(['cmcd', 'cmcd', 'fingerprint']);
  });
});
