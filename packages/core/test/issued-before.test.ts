import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import {
  createTracker,
  fileState,
  type Admission,
  type HttpHit,
  type RequestHandle,
  type SessionTracker,
  type TrackerOptions,
} from '../src/index.js';
import { fakeClock } from '../src/testing/index.js';

const START = Date.UTC(2026, 0, 2, 3, 4, 5);
const DAY = 86_400_000;
const clock = fakeClock(START);

/** A token is `user@time of issue`, or `user` where it says no time. */
const login = {
  name: 'login',
  stage: 'authorise' as const,
  admit: ({ token = '' }: { token?: string | undefined }) => {
    const [userId = '', at] = token.split('@');
    if (userId === '') return { allow: false as const, reason: 'unauthorized', denyForMs: 0 };
    return { allow: true as const, userId, ...(at === undefined ? {} : { issuedAt: Number(at) }) };
  },
};

let tracker: SessionTracker;
const start = (options: TrackerOptions = {}) => {
  tracker = createTracker({ clock, autoStart: false, policies: [login], ...options });
};
beforeEach(() => start());
afterEach(() => tracker.stop());

const ask = (token: string, over: Partial<HttpHit> = {}) =>
  tracker.admit({ stream: 'cam1', protocol: 'hls', ip: '203.0.113.7', token, ...over }) as Admission<RequestHandle>;
const isIn = (token: string, over: Partial<HttpHit> = {}): boolean => ask(token, over).admitted;
const ann = (at: number) => `ann@${at}`;

describe('a denial of credentials issued to a user up to a given time', () => {
  it('refuses those credentials, including those of that second, and admits a later login', () => {
    const now = clock.now();
    const denial = tracker.deny({ user: 'ann', issuedBefore: now });
    expect(isIn(ann(now - DAY))).toBe(false);
    const second = Math.floor(now / 1000) * 1000;
    expect([isIn(ann(second)), isIn(ann(second + 999)), isIn(ann(second + 1_000))]).toEqual([false, false, true]);
    expect(isIn(`ben@${now - DAY}`)).toBe(true);
    expect(ask(ann(now - DAY))).toMatchObject({ denial: { id: denial.id, reason: 'denied', kind: 'forbidden' } });
    expect(denial).toMatchObject({ target: { user: 'ann', issuedBefore: now }, until: now + 30 * DAY });
  });

  it('refuses credentials without a time of issue', () => {
    tracker.deny({ user: 'ann', issuedBefore: clock.now() });
    expect([isIn('ann'), isIn('ben')]).toEqual([false, true]);
  });

  it('refuses a user named by the transport if no policy says when the credential was issued', () => {
    const plain = createTracker({ clock, autoStart: false });
    plain.deny({ user: 'ann', issuedBefore: clock.now() });
    const hit = { stream: 'cam1', protocol: 'rtmp', remoteAddress: '203.0.113.7:1' };
    for (const userId of ['ann', 'ben']) plain.openConn({ ...hit, userId });
    expect(plain.list().map(({ userId }) => userId)).toEqual(['ben']);
  });

  it('closes live sessions that were opened with such credentials, and no others', () => {
    const now = clock.now();
    for (const token of [ann(now - DAY), ann(now + 5_000), 'ann', `ben@${now - DAY}`])
      ask(token, { ip: '203.0.113.8' });
    tracker.deny({ user: 'ann', issuedBefore: now }, { reason: 'stolen' });
    const closed = tracker.list({ status: 'closed' });
    expect(closed.map(({ closeReason, closeDetail }) => `${closeReason} ${closeDetail}`)).toEqual([
      'denied stolen',
      'denied stolen',
    ]);
    expect(
      tracker
        .list({ status: 'active' })
        .map(({ userId }) => userId)
        .sort(),
    ).toEqual(['ann', 'ben']);
  });

  it('judges older credentials of a continuing session again', () => {
    const now = clock.now();
    const sid = { sid: 'player' };
    expect(isIn(ann(now - DAY), sid)).toBe(true);
    expect(isIn(ann(now + 5_000), sid)).toBe(true);
    tracker.deny({ user: 'ann', issuedBefore: now });
    expect([isIn(ann(now - DAY), sid), isIn(ann(now + 5_000), sid)]).toEqual([false, true]);
  });

  it('does not refuse the same request when it comes with a later time', () => {
    let issuedAt = clock.now() - DAY;
    start({
      policies: [{ name: 'cookie', stage: 'authorise', admit: () => ({ allow: true, userId: 'ann', issuedAt }) }],
    });
    tracker.deny({ user: 'ann', issuedBefore: clock.now() });
    expect([isIn('x'), isIn('x')]).toEqual([false, false]);
    issuedAt = clock.now() + 1_000;
    expect(isIn('x')).toBe(true);
  });

  it('can be lifted, ends after revokeForMs, and reaches other trackers', () => {
    const now = clock.now();
    const target = { user: 'ann', issuedBefore: now };
    tracker.deny(target);
    expect(tracker.liftDenial({ user: 'ann' })).toBe(false);
    const other = createTracker({ clock, autoStart: false, fingerprintKey: 'k', policies: [login] });
    const same = createTracker({ clock, autoStart: false, fingerprintKey: 'k', policies: [login] });
    other.deny(target);
    same.importDenials(JSON.parse(JSON.stringify(other.exportDenials())));
    const hit = { stream: 'cam1', protocol: 'hls', ip: '203.0.113.7', token: ann(now) };
    expect(same.admit(hit)).toMatchObject({ admitted: false });
    expect(tracker.liftDenial(target)).toBe(true);
    expect(isIn(ann(now))).toBe(true);
    start({ revokeForMs: 1_000 });
    tracker.deny(target);
    expect(isIn(ann(now))).toBe(false);
    clock.advance(1_001);
    expect(isIn(ann(now))).toBe(true);
  });

  it.each([
    [{ issuedBefore: START }, /name the "user"/],
    [{ user: 'ann', issuedBefore: START / 1000 }, /epoch milliseconds.*looks like seconds/],
    [{ user: 'ann', issuedBefore: NaN }, /epoch milliseconds/],
    [{ user: 'ann', issuedBefore: '2026-01-01' }, /epoch milliseconds/],
    [{ user: 'ann', issuedBefore: new Date(START) }, /epoch milliseconds/],
    [{ user: 'ann', issued_before: START }, /did you mean "issuedBefore"/],
  ])('is rejected if the target is unclear: %j', (target, message) => {
    expect(() => tracker.deny(target as never)).toThrow(message);
    expect(isIn('ann')).toBe(true);
  });
});

describe('a state store', () => {
  it('keeps the denial, and when that of a session was issued', async () => {
    const folder = mkdtempSync(path.join(tmpdir(), 'issued-'));
    const file = path.join(folder, 'sessions.state');
    const now = Date.now();
    const run = async () => {
      const run = createTracker({ state: fileState(file), policies: [login], autoStart: false });
      await run.ready;
      return run;
    };
    const hit = { stream: 'cam1', protocol: 'hls', ip: '203.0.113.7' };
    const before = await run();
    for (const at of [now - DAY, now + DAY]) void before.admit({ ...hit, token: ann(at) });
    before.deny({ user: 'ben', issuedBefore: now });
    await before.stop({ keep: true });
    const after = await run();
    expect(after.admit({ ...hit, token: `ben@${now}` })).toMatchObject({ admitted: false });
    after.deny({ user: 'ann', issuedBefore: now });
    const ended = after.list({ status: 'closed' }).map(({ userId, closeReason }) => `${userId} ${closeReason}`);
    expect(ended).toEqual(['ann denied']);
    await after.stop();
    rmSync(folder, { recursive: true, force: true });
  });
});

describe('a kick that revokes', () => {
  it('ends all sessions of the user that were opened by then, and accepts a new login', () => {
    const now = clock.now();
    const first = ask(ann(now - DAY));
    ask(ann(now - 2 * DAY), { stream: 'cam2' });
    ask(`ben@${now - DAY}`);
    const id = first.admitted ? first.handle.session!.id : '';
    expect(tracker.kick(id, { revoke: true, reason: 'stolen' })).toBe(true);
    expect(
      tracker
        .list({ status: 'closed' })
        .map(({ closeReason }) => closeReason)
        .sort(),
    ).toEqual(['denied', 'kicked']);
    expect([isIn(ann(now - DAY)), isIn(ann(now + 1_000)), isIn(`ben@${now - DAY}`)]).toEqual([false, true, true]);
    expect(tracker.denials()).toMatchObject([{ target: { user: 'ann', issuedBefore: now }, detail: 'stolen' }]);
  });

  it('is an ordinary kick if no policy has named the user', () => {
    const plain = createTracker({ clock, autoStart: false });
    const { id } = plain.trackHttp({ stream: 'cam1', protocol: 'hls', ip: '203.0.113.7', userAgent: 'x' })!;
    expect(plain.kick(id, { revoke: true })).toBe(true);
    expect(plain.denials()).toMatchObject([{ by: 'kick' }]);
  });

  it.each([
    [{ revoke: 'yes' }, /revoke/],
    [{ revoked: true }, /Did you mean "revoke"/],
  ])('is rejected if the options are unclear: %j', (options, message) => {
    expect(() => tracker.kick('x', options as never)).toThrow(message);
  });
});
