import fc from 'fast-check';
import type { ConnHit, DenialRecord, HttpHit, Policy, SessionTracker, TrackerOptions } from '../src/index.js';
import { conn, hit, mayConnect, mayRequest, must, now, request, setup } from './support/make.js';

const TOKEN = 'a-secret-token';
const SID = 'the-sid-of-a-player';

/** What another process would read. */
const sent = (records: readonly DenialRecord[]): DenialRecord[] =>
  JSON.parse(JSON.stringify(records)) as DenialRecord[];

/** Another tracker, with the denials of this one. */
function successor(tracker: SessionTracker, options: TrackerOptions = {}) {
  const next = setup(options);
  next.tracker.importDenials(sent(tracker.exportDenials()));
  return next;
}

const kicked = (over: Partial<HttpHit>, options: TrackerOptions = {}): SessionTracker => {
  const { tracker } = setup(options);
  tracker.kick(must(request(tracker, over).session).id);
  return tracker;
};

const byToken: Policy = {
  name: 'by token',
  stage: 'authorise',
  admit: ({ token }) =>
    token === TOKEN ? { allow: true, userId: 'alice' } : { allow: false, reason: 'unauthorized', kind: 'credentials' },
};

describe('denials of another tracker', () => {
  const other = { ip: '198.51.100.1', userAgent: 'other/1.0' };

  it.each<[string, Partial<HttpHit>, Partial<HttpHit>]>([
    ['by its token', { token: TOKEN }, { token: TOKEN }],
    ['by what its player calls itself', { sid: SID }, { sid: SID }],
    ['by its playback session', { playerSessionId: 'P'.repeat(300) }, { playerSessionId: 'P'.repeat(300) }],
    ['by its agent', {}, {}],
  ])('keep out a kicked viewer %s', (_, first, again) => {
    const { tracker } = successor(kicked(first));
    expect(mayRequest(tracker, again)).toBe(false);
    expect(mayRequest(tracker, { ...again, ...other, token: 'another' })).toBe(true);
    expect(mayRequest(tracker, { ...again, stream: 'cam2' })).toBe(true);
  });

  it('keep out a connection by its address', () => {
    const { tracker } = setup();
    const opened = must(now(tracker.admit(conn())));
    tracker.kick(must(opened.admitted ? opened.handle.session : undefined).id);
    const next = successor(tracker).tracker;
    const from = (remoteAddress: string): Partial<ConnHit> => ({ remoteAddress });
    expect(mayConnect(next, from('203.0.113.7:50001'))).toBe(false);
    expect(mayConnect(next, from('203.0.113.8:50001'))).toBe(true);
  });

  it('keep out a user named by a policy, with any credential that names it', () => {
    const options = { policies: [byToken] };
    const { tracker } = successor(kicked({ token: TOKEN }, options), options);
    expect(mayRequest(tracker, { token: TOKEN, ...other })).toBe(false);
  });

  it.each([
    ['a token', { token: TOKEN }, { ...other, token: TOKEN }],
    ['a block', { ip: '198.51.100.0/24' }, other],
    ['a stream', { stream: 'cam1' }, other],
  ])('keep out whom an operator denied: %s', (_, target, viewer) => {
    const { tracker } = setup();
    const denial = tracker.deny(target, { forMs: Infinity, reason: 'why' });
    const next = successor(tracker).tracker;
    expect(mayRequest(next, viewer)).toBe(false);
    expect(next.denials()).toMatchObject([{ ...denial, hits: 1 }]);
    expect(next.liftDenial(target)).toBe(true);
    expect(mayRequest(next, viewer)).toBe(true);
  });

  it('remember viewers refused by a policy, and end when they would have', () => {
    const options = { policies: [byToken], deniedRetentionMs: 60_000 };
    const { tracker } = setup(options);
    expect(mayRequest(tracker, { token: 'wrong' })).toBe(false);
    const asked = { ...byToken, admit: jest.fn(byToken.admit) };
    const next = successor(tracker, { ...options, policies: [asked] });
    expect(mayRequest(next.tracker, { token: 'wrong' })).toBe(false);
    expect(asked.admit).not.toHaveBeenCalled();
    next.clock.advance(60_000);
    expect(mayRequest(next.tracker, { token: 'wrong' })).toBe(false);
    expect(asked.admit).toHaveBeenCalledTimes(1);
  });

  it('hold no token and no name of a player in clear', () => {
    const { tracker } = setup({ policies: [] });
    tracker.kick(must(request(tracker, { token: TOKEN, sid: SID, query: `token=${TOKEN}` }).session).id);
    tracker.kick(must(request(tracker, { sid: SID, ip: '198.51.100.2' }).session).id);
    tracker.deny({ token: TOKEN });
    const text = JSON.stringify(tracker.exportDenials());
    expect(tracker.exportDenials()).toHaveLength(3);
    expect(text).not.toContain(TOKEN);
    expect(text).not.toContain(SID);
  });

  it('let live sessions play on, but not newcomers', () => {
    const { tracker, clock } = setup({ idleTimeoutMs: 30_000 });
    const playing = request(tracker, { token: TOKEN });
    const known = must(playing.session);
    playing.end();
    expect(tracker.importDenials(sent(kicked({ token: TOKEN }).exportDenials()))).toBe(1);
    expect(tracker.get(known.id)?.closedAt).toBeUndefined();
    expect(mayRequest(tracker, { token: TOKEN })).toBe(true);
    clock.advance(60_000);
    tracker.sweep();
    expect(mayRequest(tracker, { token: TOKEN })).toBe(false);
  });

  it('are the same when they come twice, and absent when they are over', () => {
    const first = kicked({ token: TOKEN });
    const { tracker, clock } = successor(first);
    tracker.importDenials(sent(first.exportDenials()));
    expect(tracker.denials()).toHaveLength(1);
    clock.advance(11 * 60_000);
    expect(tracker.exportDenials()).toEqual([]);
    expect(tracker.importDenials(sent(first.exportDenials()))).toBe(0);
  });

  it('are refused whole when one was made with another key', () => {
    const foreign = kicked({ token: TOKEN }, { fingerprintKey: 'another' }).exportDenials();
    const { tracker } = setup();
    const all = [...kicked({}).exportDenials(), ...foreign];
    expect(() => tracker.importDenials(all)).toThrow(
      'Cannot import a denial: it was made with another fingerprintKey.',
    );
    expect(tracker.denials()).toEqual([]);
  });

  it('are refused if they are not valid records, and never refuse everyone', () => {
    const [record] = sent(kicked({ token: TOKEN, sid: SID }).exportDenials()) as [DenialRecord];
    const keys = Object.keys(record).filter((key) => key !== 'detail' && key !== 'targetKey');
    fc.assert(
      fc.property(fc.constantFrom(...keys), fc.jsonValue(), (key, value) => {
        const { tracker } = setup();
        try {
          tracker.importDenials([{ ...record, [key]: value }]);
        } catch (error) {
          expect(error).toMatchObject({ code: 'ERR_BAD_DENIAL' });
          expect(tracker.denials()).toEqual([]);
        }
        expect(mayRequest(tracker, { stream: 'cam9', ip: '192.0.2.9', userAgent: 'x' })).toBe(true);
      }),
      { numRuns: 300 },
    );
  });

  it('are checked to the last pattern', () => {
    const [record] = sent(kicked({ token: TOKEN }).exportDenials()) as [DenialRecord];
    const { tracker } = setup();
    for (const pattern of [{}, { all: 'yes' }, { ip: 7 }, { block: { network: 'x', prefixLength: 900 } }, null]) {
      const bad = { ...record, patterns: { always: [pattern] } } as unknown as DenialRecord;
      expect(() => tracker.importDenials([bad])).toThrow('Cannot import a denial');
    }
    expect(mayRequest(tracker, hit())).toBe(true);
  });
});

describe('texts of denials', () => {
  const [longest, tooLong] = ['x'.repeat(8192), 'x'.repeat(8193)];

  it('are as long as another tracker takes them, and no longer', () => {
    const { tracker } = setup();
    const { id } = must(request(tracker).session);
    for (const field of ['user', 'session', 'stream', 'protocol'] as const) {
      tracker.deny({ [field]: longest }, { reason: longest });
      const refused = { code: 'ERR_BAD_DENIAL', message: `Cannot deny: "${field}" is longer than 8192 characters.` };
      expect(() => tracker.deny({ [field]: tooLong })).toThrow(expect.objectContaining(refused));
    }
    tracker.deny({ token: tooLong, userAgent: tooLong });
    const isWrong = expect.objectContaining({ code: 'ERR_BAD_OPTION' });
    for (const reason of [tooLong, 5 as never]) {
      expect(() => tracker.deny({ user: 'eve' }, { reason })).toThrow(isWrong);
      expect(() => tracker.kick(id, { reason })).toThrow(isWrong);
    }
    expect(tracker.kick(id, { reason: longest })).toBe(true);
    expect(successor(tracker).tracker.denials()).toHaveLength(6);
  });
});
