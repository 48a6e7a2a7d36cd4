import type { Candidate, Credentials, Policy } from '../src/index.js';
import { mistServerIdentity } from '../src/index.js';
import { eventsOf, hit, live, mayRequest, must, now, refusal, request, setup } from './support/make.js';

const START = Date.UTC(2026, 0, 1);
const MINUTE = 60_000;

/** Tokens are "user-minutes": one of a user's continues another, and holds until so many minutes after the start. */
function timed(options: Parameters<typeof setup>[0] = {}) {
  const asked: Candidate[] = [];
  const homes = new Map<string, string>();
  let start = START;
  const policy: Policy = {
    name: 'timed',
    stage: 'authorise',
    admit: (candidate) => {
      asked.push(candidate);
      const [userId = '', minutes = ''] = (candidate.token ?? '').split('-');
      if (minutes === '') return { allow: false, reason: 'unauthorized' };
      const continues = homes.get(userId);
      const expiresAt = start + Number(minutes) * MINUTE;
      return { allow: true, userId, expiresAt, ...(continues === undefined ? {} : { continues }) };
    },
    settled: ({ token }, session) => void (session && homes.set(token?.split('-')[0] ?? '', session.id)),
  };
  const all = setup({ policies: [policy], idleTimeoutMs: 60 * MINUTE, ...options });
  start = all.clock.now();
  return { ...all, asked };
}

describe('a renewed token', () => {
  it('continues the live session: new expiry, no new row, the same id, and the session is found by it at once', () => {
    const { tracker, asked, clock } = timed();
    const opened = eventsOf(tracker, 'opened');
    const first = request(tracker, { token: 'bob-5', bytes: 1 });
    const { id, openedAt, tokenFingerprint } = must(first.session);
    clock.advance(4 * MINUTE);
    const session = must(request(tracker, { token: 'bob-10' }).session);
    expect(session).toMatchObject({ id, openedAt, userId: 'bob' });
    expect(session.tokenFingerprint).not.toBe(tokenFingerprint);
    expect(tracker.explain(id)?.expiresAt).toBe(openedAt + 10 * MINUTE);
    for (let i = 0; i < 5; i++) request(tracker, { token: 'bob-10' }).end();
    expect([asked.length, opened.length, live(tracker).length]).toEqual([2, 1, 1]);
    clock.advance(2 * MINUTE);
    expect(live(tracker)).toHaveLength(1);
    clock.advance(5 * MINUTE);
    expect(tracker.get(id)?.closeReason).toBe('expired');
  });

  it.each([
    ['by name', {}],
    ['where nobody is found by other names', { identity: { aliases: false } }],
  ])('leaves the old one valid for as long as before, and no longer (%s)', (_, options) => {
    const { tracker, clock } = timed(options);
    const { id, openedAt } = must(request(tracker, { token: 'bob-5' }).session);
    request(tracker, { token: 'bob-10' });
    // a last segment with the old token
    expect(request(tracker, { token: 'bob-5' }).session?.id).toBe(id);
    expect(request(tracker, { token: 'bob-10' }).session?.id).toBe(id);
    expect(tracker.explain(id)?.expiresAt).toBe(openedAt + 10 * MINUTE);
    clock.advance(6 * MINUTE);
    expect(refusal(now(tracker.admit(hit({ token: 'bob-5' }))))).toMatchObject({ reason: 'expired' });
    expect(mayRequest(tracker, { token: 'bob-10' })).toBe(true);
    expect(tracker.stats()).toMatchObject({ active: 1, openedTotal: 1 });
  });

  it('that expires sooner does not shorten the session, and is not valid any longer itself', () => {
    const { tracker, clock } = timed();
    const { id, openedAt } = must(request(tracker, { token: 'bob-10' }).session);
    expect(request(tracker, { token: 'bob-5' }).session?.id).toBe(id);
    expect(tracker.explain(id)?.expiresAt).toBe(openedAt + 10 * MINUTE);
    clock.advance(6 * MINUTE);
    expect([mayRequest(tracker, { token: 'bob-5' }), mayRequest(tracker, { token: 'bob-10' })]).toEqual([false, true]);
  });

  it('follows a viewer to another address, and is found there', () => {
    const { tracker, asked } = timed();
    const { id } = must(request(tracker, { token: 'bob-5' }).session);
    const ip = '198.51.100.9';
    expect(request(tracker, { token: 'bob-10', ip }).session).toMatchObject({ id, ip, ips: ['203.0.113.7', ip] });
    request(tracker, { token: 'bob-10', ip });
    expect(asked).toHaveLength(2);
    expect(tracker.list({ ip, status: 'active' })).toHaveLength(1);
    tracker.kick(id);
    expect(tracker.stats()).toMatchObject({ active: 0 });
    expect(mayRequest(tracker, { token: 'bob-10', ip })).toBe(false);
  });

  it.each<[string, object]>([
    ['stream', { stream: 'cam2' }],
    ['kind', { kind: 'input' }],
  ])('opens a separate session for another %s', (_, over) => {
    const { tracker } = timed();
    request(tracker, { token: 'bob-5' });
    request(tracker, { token: 'bob-10', ...over });
    expect(live(tracker)).toHaveLength(2);
  });

  it('does not make two connections one', () => {
    const { tracker } = timed();
    for (const token of ['bob-5', 'bob-10']) {
      void tracker.admit({ stream: 'cam1', protocol: 'rtmp', remoteAddress: '203.0.113.7:1', token });
    }
    expect(live(tracker)).toHaveLength(2);
  });

  it('is kept out by a kick wherever it was seen, even if no policy named a user', () => {
    let home: string | undefined;
    const policy: Policy = {
      name: 'one seat',
      stage: 'authorise',
      admit: () => ({ allow: true, ...(home === undefined ? {} : { continues: home }) }),
    };
    const { tracker } = setup({ policies: [policy] });
    const [here, there, elsewhere] = ['203.0.113.1', '198.51.100.2', '192.0.2.3'];
    home = must(request(tracker, { ip: here, token: 'a' }).session).id;
    expect(request(tracker, { ip: there, token: 'b' }).session?.id).toBe(home);
    // with the very token that it has
    expect(request(tracker, { ip: elsewhere, token: 'b' }).session).toMatchObject({ id: home, ip: elsewhere });
    expect(tracker.get(home)?.ips).toEqual([here, there, elsewhere]);
    tracker.kick(home);
    home = undefined;
    for (const ip of [here, there, elsewhere]) {
      expect(refusal(now(tracker.admit(hit({ ip, token: 'b' }))))).toMatchObject({ by: 'kick' });
      expect(refusal(now(tracker.admit(hit({ ip, token: 'new' }))))).toMatchObject({ by: 'kick' });
    }
    expect(mayRequest(tracker, { ip: '192.0.2.99', token: 'c' })).toBe(true);
  });

  it('continues a merged connection', () => {
    const { tracker } = timed({ identity: mistServerIdentity });
    for (const token of ['bob-5', 'bob-10']) {
      void tracker.admit({ stream: 'cam1', protocol: 'rtmp', remoteAddress: '203.0.113.7:1', token });
    }
    expect(live(tracker)).toMatchObject([{ connections: 2 }]);
  });
});

describe('tokens of one session that its recipe does not tell apart', () => {
  it('are each valid until their own expiry, the session until the latest', () => {
    const { tracker, clock } = timed({ identity: { viewer: ['ip'] } });
    const { id, openedAt } = must(request(tracker, { token: 'bob-5' }).session);
    request(tracker, { token: 'ann-10' });
    expect(tracker.explain(id)?.expiresAt).toBe(openedAt + 10 * MINUTE);
    clock.advance(6 * MINUTE);
    expect([mayRequest(tracker, { token: 'bob-5' }), mayRequest(tracker, { token: 'ann-10' })]).toEqual([false, true]);
    clock.advance(5 * MINUTE);
    expect(tracker.get(id)?.closeReason).toBe('expired');
  });
});

describe('credentials', () => {
  const doorman: Policy = {
    name: 'doorman',
    admit: ({ credentials }) => {
      if (credentials?.scheme === 'bearer' && credentials.token === 'good') return { allow: true };
      if (credentials?.scheme === 'basic' && credentials.verify('good')) return { allow: true };
      return { allow: false, reason: 'unauthorized', kind: 'credentials' };
    },
  };
  const bearer = (token: string): Credentials => ({ scheme: 'bearer', token });
  const basic = (password: string): Credentials => ({ scheme: 'basic', user: 'bob', verify: (p) => p === password });

  it.each([
    ['bearer', bearer],
    ['password', basic],
  ])('let nobody join the live session of another viewer with a wrong %s', (_, made) => {
    const { tracker } = setup({ policies: [doorman] });
    expect(mayRequest(tracker, { credentials: made('good') })).toBe(true);
    expect(mayRequest(tracker, { credentials: made('wrong') })).toBe(false);
    expect(mayRequest(tracker, {})).toBe(false);
    expect(mayRequest(tracker, { credentials: made('good') })).toBe(true);
    expect(tracker.stats()).toMatchObject({ active: 1, openedTotal: 1 });
  });

  it('that were already judged are not judged again', () => {
    const admit = jest.fn((): { allow: true } => ({ allow: true }));
    const { tracker } = setup({ policies: [{ name: 'p', admit }] });
    for (const credentials of [undefined, bearer('a'), bearer('b'), undefined, bearer('b'), bearer('a')]) {
      expect(mayRequest(tracker, { credentials })).toBe(true);
    }
    expect(admit).toHaveBeenCalledTimes(3);
  });

  it('that differ are judged separately, although the viewers look the same', async () => {
    const { tracker } = setup({
      policies: [{ ...doorman, admit: async (candidate, view) => doorman.admit!(candidate, view) }],
    });
    const answers = await Promise.all(
      ['good', 'wrong', 'good'].map(async (token) => await tracker.admit(hit({ credentials: bearer(token) }))),
    );
    expect(answers.map(({ admitted }) => admitted)).toEqual([true, false, true]);
  });
});
